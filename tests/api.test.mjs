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
    // Statistics go through a session of D1 here, and without one in tests/bounds.test.mjs.
    trackMate = await startTrackMate({ D1_READ_REPLICAS: '1' });
  });
  after(() => trackMate?.close());
  for (const { default: declareTests } of features) declareTests(() => trackMate);
});
