// The page /docs/limits, generated from wire/src/limits.rs: each limit with its value and its
// reason.
import { frame, inline } from './frame.mjs';

const UNITS = [
  [/_BYTES(_MAX)?$/, (n) => (n % 1024 ? `${n} bytes` : n % 1024 ** 2 ? `${n / 1024} KB` : `${n / 1024 ** 2} MB`)],
  [
    /_MS(_MAX|_MIN)?$/,
    (n) => (n % 3_600_000 ? (n % 60_000 ? `${n / 1000} s` : `${n / 60_000} min`) : `${n / 3_600_000} h`),
  ],
  [/_S(_MAX)?$/, (n) => (n % 3600 ? `${n} s` : `${n / 3600} h`)],
  [/_H_MAX$/, (n) => `${n} h`],
  [/_CHARS_MAX$/, (n) => `${n} characters`],
  [/DAYS(_MAX)?$/, (n) => `${n} days`],
];

/**
 * Parses the constants of a Rust file of plain numbers: [{name, value, text}]. Throws on a line
 * that it cannot parse, so that no limit is left out.
 */
export function constants(rust) {
  const found = [];
  let text = [];
  const value = (expression) => {
    const parts = expression
      .replaceAll('_', '')
      .split('*')
      .map((part) => part.trim());
    return parts
      .map((part) =>
        /^\d+$/.test(part) ? Number(part) : found.find((one) => one.name.replaceAll('_', '') === part)?.value,
      )
      .reduce((a, b) => a * b, 1);
  };
  for (const line of rust.split('\n')) {
    const comment = line.match(/^\/\/\/ ?(.*)$/);
    const constant = line.match(/^pub const (\w+): \w+ = (.+);$/);
    if (comment) text.push(comment[1]);
    else if (constant) {
      const [, name, expression] = constant;
      const one = { name, value: value(expression), text: text.join(' ') };
      if (!Number.isFinite(one.value)) throw new Error(`limits.rs: ${line} is not a plain number`);
      found.push(one);
      text = [];
    } else if (/^pub /.test(line)) throw new Error(`limits.rs: could not parse ${line}`);
    else text = [];
  }
  return found;
}

const shown = ({ name, value }) =>
  UNITS.find(([pattern]) => pattern.test(name))?.[1](value) ?? value.toLocaleString('en');

export function limitsPage(page, rust) {
  const rows = constants(rust).map(
    (one) =>
      `<tr id="${one.name}"><th scope="row"><code>${one.name}</code></th><td class="number">${shown(one)}</td><td>${inline(one.text)}</td></tr>`,
  );
  return frame({
    page,
    from: 'wire/src/limits.rs',
    main: `<article class="card prose"><h1>Limits</h1>
<p>Everything has a limit, and each limit has a reason. This is the complete list from the code. A request beyond a limit is answered with a <a href="/docs/problems/">problem</a> that names the limit.</p>
<div class="scroll" tabindex="0" role="group" aria-label="Limits"><table class="stacked"><thead><tr><th scope="col">Name</th><th scope="col" class="number">Value</th><th scope="col">What it limits, and why</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table></div></article>`,
  });
}
