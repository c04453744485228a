// Draws a stacked bar chart with uPlot.

import type uPlot from 'uplot';

export interface Line {
  name: string;
  tone: 'accent' | 'good' | 'bad';
  values: number[];
}

export interface Drawing {
  /** The begin of each step, in ISO 8601. */
  times: string[];
  lines: Line[];
  /** The colour of each line. */
  colours: string[];
  step: 'hour' | 'day';
  /** Called with the index of the step under the pointer, or with null. */
  onHover: (index: number | null) => void;
}

const HEIGHT_PX = 190;
const WHOLE = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 1e8, 1e9,
];
/** Distances of the ticks of a day axis, in seconds. */
const DAYS = [1, 2, 3, 7, 14, 30, 60, 90, 180].map((days) => days * 86_400);
const COMPACT = new Intl.NumberFormat(undefined, { notation: 'compact' });
const HOUR = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

export const sum = (values: number[]) => values.reduce((all, one) => all + one, 0);
/** The label of a tick: the day at midnight, else the hour. */
const tick = (at: Date) => (at.getHours() === 0 && at.getMinutes() === 0 ? DAY : HOUR).format(at);

function axesOf(step: Drawing['step'], ink: string): uPlot.Axis[] {
  const grid = { stroke: `color-mix(in srgb, ${ink} 20%, transparent)`, width: 1 };
  const axis = { stroke: ink, font: '12px system-ui, sans-serif', grid, ticks: { show: false } };
  return [
    {
      ...axis,
      ...(step === 'day' && { incrs: DAYS }),
      grid: { show: false },
      size: 28,
      space: 70,
      values: (_, splits) => splits.map((split) => tick(new Date(split * 1000))),
    },
    { ...axis, incrs: WHOLE, size: 48, values: (_, splits) => splits.map((split) => COMPACT.format(split)) },
  ];
}

/** Draws into the element, and follows its width until the signal aborts. */
export function draw(UPlot: typeof uPlot, element: HTMLElement, drawing: Drawing, abort: AbortSignal) {
  const { times, lines, colours, step, onHover } = drawing;
  const stepS = step === 'hour' ? 3_600 : 86_400;
  const seconds = times.map((time) => Date.parse(time) / 1000);
  const [first = 0, last = 0] = [seconds[0], seconds.at(-1)];
  // Each line is stacked on the lines after it; the highest is drawn first.
  const stacked = lines.map((_, line) =>
    seconds.map((_, index) => sum(lines.slice(line).map(({ values }) => values[index] ?? 0))),
  );
  const ink = getComputedStyle(element).color;
  const series = lines.map(({ name }, line) => ({
    label: name,
    fill: colours[line] ?? ink,
    stroke: colours[line] ?? ink,
    width: 0,
    points: { show: false },
    paths: UPlot.paths.bars!({ size: [0.75, 40], align: 1 }),
  }));
  const hover = ({ cursor: { left }, posToVal }: uPlot) =>
    onHover(left === undefined || left < 0 ? null : Math.floor((posToVal(left, 'x') - first) / stepS));
  const options: uPlot.Options = {
    width: element.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { points: { show: false }, drag: { x: false, y: false }, y: false },
    scales: { x: { range: [first, last + stepS] }, y: { range: (_, __, max) => [0, Math.max(max * 1.05, 1)] } },
    axes: axesOf(step, ink),
    series: [{}, ...series],
    hooks: { setCursor: [hover] },
  };
  const chart = new UPlot(options, [seconds, ...stacked], element);
  const resized = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
  resized.observe(element);
  abort.addEventListener('abort', () => {
    resized.disconnect();
    chart.destroy();
  });
}
