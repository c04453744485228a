// Writes src/schema.d.ts: the types of the API's requests and answers, of docs/openapi.json, for the dashboard. Not committed: every build and every check of
// types makes it anew, so a page that uses what the API no longer has does not compile.
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const at = (path) => new URL(path, import.meta.url).pathname;
const document = JSON.parse(readFileSync(at('../docs/openapi.json'), 'utf8'));
writeFileSync(at('src/schema.d.ts'), `// Made by types.mjs of docs/openapi.json.\n${astToString(await openapiTS(document, { emptyObjectsUnknown: true }))}`);
