// The dashboard's entry point: renders the frame into the page.

import { render } from 'preact';
import { App } from './app';
import { acceptKey } from './key-handover';
import './style.css';

const root = document.getElementById('app');
if (root) render(<App />, root);
acceptKey();
