// Writes the table of results in README.md and the chart results.svg, from the figures of `make
// bench` in results/. Of each figure they show TrackMate, the floor, the goal, and the base if the
// run had one.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { shown } from './report.mjs';

const at = (name) => new URL(name, import.meta.url);
const read = (bench) => (existsSync(at(`results/${bench}.json`)) ? JSON.parse(readFileSync(at(`results/${bench}.json`), 'utf8')) : undefined);

/** A figure: {name, unit, ours, floor, goal, base, isLess}. `isLess` says that less is better. */
function ofIngest({ goals, ingest }) {
  return Object.entries(ingest).map(([events, { trackmate, floor1, base }]) => ({
    name: `events/s, ${events} event${events === '1' ? '' : 's'} a request`,
    ours: trackmate.eps,
    floor: floor1.eps,
    goal: goals.floor * floor1.eps,
    base: base?.eps,
    isMet: floor1.times >= goals.floor && !(base?.times < goals.base[events]),
  }));
}

function ofDeliveries({ goals, perSecond, paced, throughput }) {
  const figure = (name, goal, of, isLess = true) => ({ name, goal, isLess, ...of });
  const pick = (from, select, floor) => ({ ours: select(from.trackmate), base: from.base && select(from.base), floor });
  const pace = `at ${perSecond} events/s`;
  const figures = [];
  if (throughput) {
    for (const [webhooks, goal] of Object.entries(goals.perSecond)) {
      figures.push(figure(`deliveries/s, ${webhooks} webhook${webhooks === '1' ? '' : 's'}`, goal, pick(throughput, (f) => f[webhooks].perSecond), false));
    }
  }
  if (paced) {
    const { instrument } = paced;
    figures.push(
      figure(`accept p50 ms, ${pace}`, goals.acceptP50, pick(paced, (f) => f.p50, instrument.p50)),
      figure(`accept p99 ms, ${pace}`, goals.acceptP99, pick(paced, (f) => f.p99, instrument.p99)),
      figure(`end to end p50 ms, ${pace}`, goals.endP50, pick(paced, (f) => f.endP50)),
      figure(`end to end p99 ms, ${pace}`, goals.endP99, pick(paced, (f) => f.endP99)),
    );
  }
  if (throughput) {
    figures.push(
      figure('end to end p99 ms, full load, 5 webhooks', goals.fullP99, pick(throughput, (f) => f[5].endP99)),
      figure('CPU µs a delivery, 5 webhooks', undefined, pick(throughput, (f) => f[5].deliveryCpuUs)),
      figure('peak memory MB, full load, 5 webhooks', undefined, pick(throughput, (f) => f[5].peakBytes / 1e6)),
    );
  }
  return figures.map((f) => ({ ...f, isMet: f.goal && (f.isLess ? f.ours <= f.goal : f.ours >= f.goal) }));
}

/** How and where a bench measured: two lines. */
const origin = ({ date, command, machine: { cpus, model, memoryGb, load, loadAfter, node } }) => [
  `${date}: \`${command}\``,
  `on ${cpus} cores (${model}), ${memoryGb} GB, node ${node}, load ${load.toFixed(1)} to ${loadAfter.toFixed(1)}`,
];

function table(figures, origins, baseLabel) {
  const cell = (n) => (Number.isFinite(n) ? shown(n) : '');
  const row = (cells) => `| ${cells.join(' | ')} |`;
  const goal = ({ goal, isLess }) => (goal ? `${isLess ? '≤' : '≥'} ${shown(goal)}` : '');
  const verdict = ({ isMet }) => (isMet === undefined ? '' : isMet ? 'met' : 'MISSED');
  return [
    ...[row(['', 'TrackMate', 'floor', 'goal', baseLabel ?? 'base', '']), '|---|---:|---:|---:|---:|---|'],
    ...figures.map((f) => row([f.name, cell(f.ours), cell(f.floor), goal(f), cell(f.base), verdict(f)])),
    '',
    ...origins.map((lines) => `- ${lines.join('\n  ')}`),
  ].join('\n');
}

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2933 }
  .title { font-weight: bold } .small { font-size: 11px; fill: #52606d }
  .back { fill: #fff } .ours { fill: #1b7f5c } .floor { fill: #9aa5b1 } .base { fill: #d2a24c }
  .goal { stroke: #c0392b; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e4e7eb } .small { fill: #9aa5b1 }
    .back { fill: #14191f } .ours { fill: #3fbf90 } .floor { fill: #616e7c } .goal { stroke: #ff7b6b }
  }`;
const [WIDTH, LEFT, LONGEST, BAR] = [760, 290, 380, 12];
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** The bars of one figure, on a scale of its own, with a line at its goal. */
function bars(figure, top) {
  const kinds = ['ours', 'floor', 'base'].filter((kind) => Number.isFinite(figure[kind]));
  const most = Math.max(...kinds.map((kind) => figure[kind]), figure.goal ?? 0);
  const x = (n) => (LEFT + (n / most) * LONGEST).toFixed(1);
  const height = kinds.length * (BAR + 2);
  const parts = kinds.map((kind, index) => {
    const y = top + index * (BAR + 2);
    const width = Math.max(1, x(figure[kind]) - LEFT).toFixed(1);
    return `<rect class="${kind}" x="${LEFT}" y="${y}" width="${width}" height="${BAR}"/><text class="small" x="${Number(x(figure[kind])) + 6}" y="${y + BAR - 2}">${shown(figure[kind])}</text>`;
  });
  const goal = figure.goal ? `<line class="goal" x1="${x(figure.goal)}" x2="${x(figure.goal)}" y1="${top - 2}" y2="${top + height}"/>` : '';
  const name = `<text x="${LEFT - 10}" y="${top + height / 2 + 4}" text-anchor="end">${escaped(figure.name)}</text>`;
  return { svg: name + parts.join('') + goal, height: height + 10 };
}

const KEY_WIDTH = 130;

function legend(y, baseLabel) {
  const entries = [['ours', 'TrackMate'], ['floor', 'floor'], ...(baseLabel ? [['base', baseLabel]] : [])];
  const boxes = entries.map(([kind, label], n) => `<rect class="${kind}" x="${LEFT + n * KEY_WIDTH}" y="${y - 10}" width="12" height="12"/><text x="${LEFT + n * KEY_WIDTH + 18}" y="${y}">${escaped(label)}</text>`);
  const x = LEFT + entries.length * KEY_WIDTH;
  return `${boxes.join('')}<line class="goal" x1="${x}" x2="${x}" y1="${y - 11}" y2="${y + 3}"/><text x="${x + 8}" y="${y}">goal</text>`;
}

function chart(figures, origins, baseLabel) {
  let y = 24;
  const parts = [legend(y, baseLabel)];
  for (const [title, isLess] of [['More is better', false], ['Less is better', true]]) {
    y += 26;
    parts.push(`<text class="title" x="10" y="${y}">${title}</text>`);
    y += 14;
    for (const figure of figures.filter((f) => Boolean(f.isLess) === isLess)) {
      const { svg, height } = bars(figure, y);
      parts.push(svg);
      y += height;
    }
  }
  for (const line of origins.flat()) parts.push(`<text class="small" x="10" y="${(y += 16)}">${escaped(line.replaceAll('`', ''))}</text>`);
  const height = y + 14;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}"><style>${STYLE}\n</style>\n<rect class="back" width="${WIDTH}" height="${height}"/>\n${parts.join('\n')}\n</svg>\n`;
}

/** What README.md and results.svg must be: {name: text}. */
export function drawn() {
  const [ingest, deliver] = [read('ingest'), read('deliver')];
  const figures = [...(ingest ? ofIngest(ingest) : []), ...(deliver ? ofDeliveries(deliver) : [])];
  const origins = [ingest, deliver].filter(Boolean).map(origin);
  const baseLabel = (ingest?.ingest[1].base ?? deliver?.throughput?.base)?.label;
  const readme = readFileSync(at('README.md'), 'utf8');
  const block = /(<!-- results -->\n)[^]*?(\n<!-- \/results -->)/;
  return {
    'README.md': readme.replace(block, (_, start, end) => start + table(figures, origins, baseLabel) + end),
    'results.svg': chart(figures, origins, baseLabel),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of Object.entries(drawn())) writeFileSync(at(name), text);
}
