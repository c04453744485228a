// The demo shop's entry point. In development it shows the page that the HTML file names, with the
// panel beside it. Elsewhere it only explains that there is no shop.

import { render } from 'preact';
import { isLocal } from '../local';

const root = document.getElementById('shop');

function Absent({ why }: { why?: string }) {
  return (
    <section class="card">
      <h1>The demo shop is not here</h1>
      {why ? (
        <>
          <p class="problem" role="alert">
            {why}
          </p>
          <p>
            <a href="/shop/?company=TM-SHOP99">Shop as the demo company</a>
          </p>
        </>
      ) : (
        <p>
          It is for development: <code>make dev</code> runs it on your own machine.
        </p>
      )}
    </section>
  );
}

async function open(root: HTMLElement) {
  try {
    // Loaded only in development: it includes the SDK, which starts at once.
    const { Shop } = await import('./shop');
    render(<Shop page={root.dataset.page} />, root);
  } catch (error) {
    render(<Absent why={error instanceof Error ? error.message : String(error)} />, root);
  }
}

if (root && isLocal) void open(root);
else if (root) render(<Absent />, root);
