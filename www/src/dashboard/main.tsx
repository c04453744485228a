// The dashboard's entry: puts the frame on the page.

import { render } from 'preact';
import { App } from './app';
import { acceptKey } from './key-handover';
import './style.css';

const root = document.getElementById('app');
if (root) render(<App />, root);
acceptKey();
