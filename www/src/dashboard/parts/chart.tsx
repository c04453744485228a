// A stacked bar chart of counts over time. The same figures are described in its label and listed
// in a table.

import type uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import { number, Table } from './display';

export interface Line {
  name: string;
  tone: 'accent' | 'good' | 'bad';
  values: number[];
}

const HEIGHT_PX = 190;
const WHOLE = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 1e8, 1e9,
];
/** Distances of the ticks of a day axis, in seconds. */
const DAYS = [1, 2, 3, 7, 14, 30, 60, 90, 180].map((days) => days * 86_400);
const COMPACT = new Intl.NumberFormat(undefined, { notation: 'compact' });
const HOUR = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const MOMENT = {
  hour: new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' }),
  day: new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' }),
};
const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

const sum = (values: number[]) => values.reduce((all, one) => all + one, 0);
/** The label of a tick: the day at midnight, else the hour. */
const tick = (at: Date) => (at.getHours() === 0 && at.getMinutes() === 0 ? DAY : HOUR).format(at);

/** `times` holds the begin of each step, in ISO 8601. */
export function Chart({
  name,
  times,
  lines,
  step,
}: {
  name: string;
  times: string[];
  lines: Line[];
  step: 'hour' | 'day';
}) {
  const canvas = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLUListElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const [showsTable, setShowsTable] = useState(false);
  const scheme = useScheme();

  useEffect(() => {
    const element = canvas.current;
    const abort = new AbortController();
    // The figures show first; the chart library loads after them.
    // The table still shows everything.
    if (element)
      void import('uplot').then(
        ({ default: UPlot }) => abort.signal.aborted || draw(UPlot, element, abort.signal),
        () => {},
      );
    return () => abort.abort();
  }, [times, lines, step, scheme]);

  const draw = (UPlot: typeof uPlot, element: HTMLElement, abort: AbortSignal) => {
    const stepS = step === 'hour' ? 3_600 : 86_400;
    const seconds = times.map((time) => Date.parse(time) / 1000);
    const [first = 0, last = 0] = [seconds[0], seconds.at(-1)];
    // Each line is stacked on the lines after it; the highest is drawn first.
    const stacked = lines.map((_, line) =>
      seconds.map((_, index) => sum(lines.slice(line).map(({ values }) => values[index] ?? 0))),
    );
    const colours = [...(legend.current?.querySelectorAll('i') ?? [])].map((mark) => getComputedStyle(mark).color);
    const ink = getComputedStyle(element).color;
    const grid = { stroke: `color-mix(in srgb, ${ink} 20%, transparent)`, width: 1 };
    const axis = { stroke: ink, font: '12px system-ui, sans-serif', grid, ticks: { show: false } };
    const chart = new UPlot(
      {
        width: element.clientWidth,
        height: HEIGHT_PX,
        legend: { show: false },
        cursor: { points: { show: false }, drag: { x: false, y: false }, y: false },
        scales: { x: { range: [first, last + stepS] }, y: { range: (_, __, max) => [0, Math.max(max * 1.05, 1)] } },
        axes: [
          {
            ...axis,
            ...(step === 'day' && { incrs: DAYS }),
            grid: { show: false },
            size: 28,
            space: 70,
            values: (_, splits) => splits.map((split) => tick(new Date(split * 1000))),
          },
          { ...axis, incrs: WHOLE, size: 48, values: (_, splits) => splits.map((split) => COMPACT.format(split)) },
        ],
        series: [
          {},
          ...lines.map(({ name }, line) => ({
            label: name,
            fill: colours[line] ?? ink,
            stroke: colours[line] ?? ink,
            width: 0,
            points: { show: false },
            paths: UPlot.paths.bars!({ size: [0.75, 40], align: 1 }),
          })),
        ],
        hooks: {
          setCursor: [
            ({ cursor, posToVal }) =>
              setAt(
                cursor.left === undefined || cursor.left < 0
                  ? null
                  : Math.floor((posToVal(cursor.left, 'x') - first) / stepS),
              ),
          ],
        },
      },
      [seconds, ...stacked],
      element,
    );
    const resized = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    resized.observe(element);
    abort.addEventListener('abort', () => {
      resized.disconnect();
      chart.destroy();
    });
  };

  const startOf = (time: string | undefined) => (time ? MOMENT[step].format(new Date(time)) : '');
  const hovered = at === null ? undefined : times[at];
  const descriptions = lines.map(({ name, values }) => {
    const most = Math.max(0, ...values);
    const peak = times[values.indexOf(most)];
    return `${name}: ${number(sum(values))} in total${most > 0 && peak ? `, at most ${number(most)} in one ${step}, on ${startOf(peak)}` : ''}`;
  });
  return (
    <figure class="chart">
      <ul class="chart-legend" ref={legend}>
        {lines.map(({ name, tone, values }) => (
          <li key={name}>
            <i class={tone} aria-hidden="true" /> {name}{' '}
            <strong>{number(hovered === undefined ? sum(values) : (values[at!] ?? 0))}</strong>
          </li>
        ))}
        <li class="quiet">{hovered === undefined ? `in total, per ${step}` : startOf(hovered)}</li>
      </ul>
      <div class="chart-place" ref={canvas} role="img" aria-label={`${name} over time. ${descriptions.join('. ')}.`} />
      <details onToggle={(toggle) => setShowsTable(toggle.currentTarget.open)}>
        <summary class="quiet">As a table</summary>
        {showsTable && (
          <Table
            caption={`${name} per ${step}`}
            items={times.map((_, index) => index)}
            keyOf={(index) => times[index] ?? ''}
            columns={[
              {
                name: 'From',
                show: (index) => (
                  <time dateTime={times[index]} title={times[index]}>
                    {startOf(times[index])}
                  </time>
                ),
              },
              ...lines.map(({ name, values }) => ({
                name,
                number: true,
                show: (index: number) => number(values[index] ?? 0),
              })),
            ]}
          />
        )}
      </details>
    </figure>
  );
}

/** Redraws when the viewer's system switches between light and dark. */
function useScheme() {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const [scheme, setScheme] = useState(dark.matches);
  useEffect(() => {
    const changed = () => setScheme(dark.matches);
    dark.addEventListener('change', changed);
    return () => dark.removeEventListener('change', changed);
  }, []);
  return scheme;
}
