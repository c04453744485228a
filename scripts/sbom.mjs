// Writes the software bill of materials of a release to standard output, in the form of CycloneDX:
// the crates of the Worker, the SDK and the command line, and the npm packages that trackmate
// installs.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const version = /^version = "(.+)"$/m.exec(readFileSync(`${ROOT}Cargo.toml`, 'utf8'))[1];

/** The crates that are linked into what is released, without those of builds and tests. */
function crates() {
  const options = { cwd: ROOT, maxBuffer: 256 * 1024 * 1024 };
  const metadata = JSON.parse(execFileSync('cargo', ['metadata', '--locked', '--format-version', '1'], options));
  const nodes = new Map(metadata.resolve.nodes.map((node) => [node.id, node]));
  const found = new Set();
  const visit = (id) => {
    if (found.has(id)) return;
    found.add(id);
    const linked = nodes.get(id).deps.filter(({ dep_kinds: kinds }) => kinds.some(({ kind }) => kind === null));
    for (const { pkg } of linked) visit(pkg);
  };
  for (const member of metadata.workspace_members) visit(member);
  return metadata.packages
    .filter(({ id, source }) => source && found.has(id))
    .map(({ name, version: its, license }) => ({ name, version: its, license, purl: `pkg:cargo/${name}@${its}` }));
}

/** wrangler and what it installs. */
function npmPackages() {
  const { packages } = JSON.parse(readFileSync(`${ROOT}package-lock.json`, 'utf8'));
  const found = new Map();
  const visit = (name, from) => {
    // As Node looks for it: beside the package that needs it, then further out.
    const parts = from.split('/node_modules/');
    const places = parts.map((_, index) => [...parts.slice(0, parts.length - index), name].join('/node_modules/'));
    const path = [...places, `node_modules/${name}`].find((place) => packages[place]);
    if (!path || found.has(path)) return;
    const { version: its, license, dependencies = {}, optionalDependencies = {} } = packages[path];
    const purl = `pkg:npm/${name.replace('@', '%40')}@${its}`;
    found.set(path, { name, version: its, license, purl });
    for (const each of Object.keys({ ...dependencies, ...optionalDependencies })) visit(each, path);
  };
  visit('wrangler', 'node_modules/trackmate');
  return [...found.values()];
}

const component = ({ name, version: its, license, purl }) => ({
  type: 'library',
  'bom-ref': purl,
  name,
  version: its,
  purl,
  ...(license ? { licenses: [{ expression: license.replaceAll('/', ' OR ') }] } : {}),
});
const unique = new Map([...crates(), ...npmPackages()].map((each) => [each.purl, each]));
const bom = {
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  version: 1,
  metadata: { component: { type: 'application', name: 'trackmate', version, 'bom-ref': 'trackmate' } },
  components: [...unique.values()].map(component),
};
console.log(JSON.stringify(bom, null, 2));
