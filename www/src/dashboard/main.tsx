// The dashboard's entry: puts the frame on the page.

import { render } from 'preact';
import { App } from './app';
import { takeHandedKey } from './key-handover';
import './style.css';

const root = document.getElementById('app');
if (root) render(<App />, root);
takeHandedKey();
