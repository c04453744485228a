// `make package`: packs what users install from what was built, into target/package:
//   trackmate-<version>.tgz                    the Worker, its pages and migrations, `trackmate dev`
//   trackmate-cli-<platform>-<version>.tgz     the binary of the command-line tool for this machine
//   trackmate-browser-<version>.tgz            the browser SDK
//   deploy-to-cloudflare/                      the repository of the "Deploy to Cloudflare" button
// OUT and BINARY choose another folder and another binary, as the tests do. PLATFORMS lists the
// platforms of a release, and PARTS what to pack: on most machines of a release only the binary.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = resolve(process.env.OUT ?? join(ROOT, 'target/package'));
const exe = process.platform === 'win32' ? '.exe' : '';
const BINARY = resolve(process.env.BINARY ?? join(ROOT, `target/release/trackmate${exe}`));
const STAGE = join(OUT, 'stage');
const platform = `${process.platform}-${process.arch}`;
/** The platforms whose binaries the package can use. A release has several, one from each machine. */
const PLATFORMS = (process.env.PLATFORMS ?? platform).split(' ');

const read = (path) => readFileSync(join(ROOT, path), 'utf8');
const version = /^version = "(.+)"$/m.exec(read('Cargo.toml'))[1];
const { devDependencies } = JSON.parse(read('package.json'));

// A release says where it was built. npm compares this with the provenance.
const { GITHUB_REPOSITORY, GITHUB_SERVER_URL } = process.env;
const repository = GITHUB_REPOSITORY && { type: 'git', url: `git+${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}.git` };
const shared = { version, license: 'MIT OR Apache-2.0', ...(repository ? { repository } : {}) };

/** Packs a folder of STAGE with this package.json. */
function pack(name, manifest) {
  const folder = join(STAGE, name);
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const licence of ['LICENSE-MIT', 'LICENSE-APACHE']) cpSync(join(ROOT, licence), join(folder, licence));
  const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', OUT, folder]);
  const { filename, size } = Object.values(JSON.parse(packed))[0];
  console.log(`${basename(filename)}  ${(size / 1e6).toFixed(1)} MB`);
}

/** Copies files and folders of the repository into a folder of STAGE, under the same paths. */
function stage(name, paths) {
  for (const path of paths) {
    mkdirSync(dirname(join(STAGE, name, path)), { recursive: true });
    cpSync(join(ROOT, path), join(STAGE, name, path), { recursive: true });
  }
}

/** What wrangler deploys. It has the paths of the repository everywhere. */
const DEPLOYMENT = [
  'edge/build/index.js',
  'edge/build/index_bg.wasm',
  'edge/migrations',
  'www/dist',
  'wrangler.toml',
];

/** The package has the layout of the repository, so the same scripts run in both. */
function packTrackmate() {
  const scripts = ['scripts/dev.mjs', 'scripts/serve.mjs', 'scripts/dev'];
  stage('trackmate', [...DEPLOYMENT, ...scripts, 'README.md', 'CHANGELOG.md', 'examples/shop-server']);
  mkdirSync(join(STAGE, 'trackmate/bin'));
  cpSync(join(ROOT, 'cli/npm/trackmate.mjs'), join(STAGE, 'trackmate/bin/trackmate.mjs'));
  pack('trackmate', {
    name: 'trackmate',
    ...shared,
    description: 'Customer events at the edge: one timeline per person, signed deliveries to your webhooks',
    type: 'module',
    bin: { trackmate: 'bin/trackmate.mjs' },
    engines: { node: '>=22' },
    dependencies: { wrangler: devDependencies.wrangler },
    optionalDependencies: Object.fromEntries(PLATFORMS.map((each) => [`@trackmate/cli-${each}`, version])),
  });
}

function packCli() {
  mkdirSync(join(STAGE, 'cli'));
  cpSync(BINARY, join(STAGE, `cli/trackmate${exe}`));
  chmodSync(join(STAGE, `cli/trackmate${exe}`), 0o755);
  pack('cli', {
    name: `@trackmate/cli-${platform}`,
    ...shared,
    description: `The binary of trackmate for ${platform}. Install trackmate instead.`,
    os: [process.platform],
    cpu: [process.arch],
    files: [`trackmate${exe}`],
  });
}

function packBrowser() {
  const sdk = JSON.parse(read('target/sdk-package/package.json'));
  if (sdk.version !== version) throw new Error(`the SDK is ${sdk.version}, the workspace is ${version}`);
  cpSync(join(ROOT, 'target/sdk-package'), join(STAGE, 'browser'), { recursive: true });
  pack('browser', { ...sdk, ...shared });
}

/**
 * The button builds with npm alone. Cloudflare makes the database and the queues that have a
 * binding. The queue between them has none.
 */
function writeButton() {
  stage('button', DEPLOYMENT);
  const button = join(STAGE, 'button');
  cpSync(join(ROOT, 'deploy/button/README.md'), join(button, 'README.md'));
  writeFileSync(join(button, '.dev.vars.example'), 'OPERATOR_KEY=\nSECRETS_KEY=\n');
  const migrate = 'wrangler d1 migrations apply DB --remote';
  const manifest = {
    name: 'trackmate-deployment',
    private: true,
    ...shared,
    scripts: { deploy: `(wrangler queues create trackmate-spill-dead || true) && ${migrate} && wrangler deploy` },
    dependencies: { wrangler: devDependencies.wrangler },
    cloudflare: {
      bindings: {
        OPERATOR_KEY: { description: 'At least 32 random characters. Creates companies. Keep it.' },
        SECRETS_KEY: { description: 'Other random characters. Encrypts webhook secrets. Keep it too.' },
      },
    },
  };
  writeFileSync(join(button, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  renameSync(button, join(OUT, 'deploy-to-cloudflare'));
}

const ALL = { trackmate: packTrackmate, cli: packCli, browser: packBrowser, button: writeButton };
const PARTS = process.env.PARTS?.split(' ') ?? Object.keys(ALL);

rmSync(OUT, { recursive: true, force: true });
mkdirSync(STAGE, { recursive: true });
for (const part of PARTS) ALL[part]();
rmSync(STAGE, { recursive: true, force: true });
