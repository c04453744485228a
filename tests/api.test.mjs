// All black-box tests of the API, those of each file of tests/api, against one start of the real
// Worker.
import { readdirSync } from 'node:fs';
import { after, before, describe } from 'node:test';
import { startTrackMate } from './support/harness.mjs';

const FOLDER = new URL('./api/', import.meta.url);
const features = await Promise.all(readdirSync(FOLDER).sort().map((file) => import(new URL(file, FOLDER))));

describe('the API', () => {
  let trackMate;
  before(async () => {
    trackMate = await startTrackMate();
  });
  after(() => trackMate?.close());
  for (const { default: declareTests } of features) declareTests(() => trackMate);
});
