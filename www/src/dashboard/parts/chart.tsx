// A stacked bar chart of counts over time. The same figures are described in its label and listed
// in a table.

import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import { draw, type Line, sum } from './chart-canvas';
import { number, Table } from './display';

const MOMENT = {
  hour: new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' }),
  day: new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' }),
};

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
    if (!element) return;
    const abort = new AbortController();
    // The figures show first; the chart library loads after them. Without it, the table still shows
    // everything.
    void import('uplot').then(
      ({ default: UPlot }) => {
        if (abort.signal.aborted) return;
        const marks = [...(legend.current?.querySelectorAll('i') ?? [])];
        const colours = marks.map((mark) => getComputedStyle(mark).color);
        draw(UPlot, element, { times, lines, colours, step, onHover: setAt }, abort.signal);
      },
      () => {},
    );
    return () => abort.abort();
  }, [times, lines, step, scheme]);

  const startOf = (time: string | undefined) => (time ? MOMENT[step].format(new Date(time)) : '');
  const hovered = at === null ? undefined : times[at];
  const descriptions = lines.map(({ name, values }) => {
    const most = Math.max(0, ...values);
    const peak = times[values.indexOf(most)];
    const highest = most > 0 && peak ? `, at most ${number(most)} in one ${step}, on ${startOf(peak)}` : '';
    return `${name}: ${number(sum(values))} in total${highest}`;
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
