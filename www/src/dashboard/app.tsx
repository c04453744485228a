// The dashboard's frame: the sign-in, the menu, and the page that the URL names.

import type { ComponentType } from 'preact';
import { useEffect, useErrorBoundary, useRef, useState } from 'preact/hooks';
import { isLocal } from '../local';
import { PAGES } from './pages';
import SignIn from './pages/sign-in';
import { Notices, Problem, Waiting } from './parts/feedback';
import { focusHeading, Page } from './parts/display';
import { company, go, route, shop, SIGN_IN, to } from './route';
import { companies, signOut, signedIn } from './session';

function Companies() {
  return (
    <label class="company">
      <span class="visually-hidden">Company</span>
      <select
        value={company.value}
        onChange={(change) =>
          go(change.currentTarget.value === SIGN_IN ? [] : ['live'], {}, change.currentTarget.value)
        }
      >
        {companies.value.map(({ company, name }) => (
          <option key={company} value={company}>
            {name}
          </option>
        ))}
        <option value={SIGN_IN}>Sign in to another…</option>
      </select>
    </label>
  );
}

/**
 * Whether the app was shown before. On the first page the focus stays at the top, so that the Tab
 * key begins at the menu.
 */
let hasInteracted = false;

function Outlet({ page, part }: { page: string; part: string | undefined }) {
  const [loaded, setLoaded] = useState<{ page: string; Shown: ComponentType }>();
  const [error, setError] = useState<unknown>();
  const [broken, resetError] = useErrorBoundary();
  const entry = PAGES.find((one) => one.page === page);
  const place = entry?.places ? `${page}/${part ?? ''}` : page;
  const before = useRef(hasInteracted && document.activeElement === document.body ? undefined : place);
  useEffect(() => {
    let current = true;
    setError(undefined);
    if (broken) resetError();
    entry?.load().then(
      ({ default: Shown }) => current && setLoaded({ page, Shown }),
      () =>
        current &&
        setError(new Error('This page could not be loaded. Reload to get the current version of the dashboard.')),
    );
    return () => {
      current = false;
    };
  }, [page]);
  // After navigation: scroll to the top and focus the heading, so that screen readers announce it.
  useEffect(() => {
    if ((entry && loaded?.page !== page) || before.current === place) return;
    before.current = place;
    scrollTo(0, 0);
    focusHeading();
  }, [loaded, place]);
  if (!entry)
    return (
      <Page title="Not found">
        <p class="problem">
          There is no such page. <a href={to(['live'])}>Go to Live</a>
        </p>
      </Page>
    );
  if (error) return <Problem error={error} retry={() => location.reload()} />;
  if (broken)
    return (
      <Problem
        error={
          new Error(
            `This page broke: ${broken instanceof Error ? broken.message : broken}. This is a bug of the dashboard. The other pages still work.`,
          )
        }
        retry={resetError}
      />
    );
  return loaded?.page === page ? <loaded.Shown /> : <Waiting />;
}

export function App() {
  const session = signedIn.value;
  const { page, rest } = route.value;
  useEffect(() => {
    hasInteracted = true;
  }, []);
  useEffect(() => {
    const [first] = companies.value;
    if (!company.value && first) go(['live'], {}, first.company);
    else if (session && !page) go(['live']);
  }, [session?.company, page]);
  return (
    <div class={session ? 'frame' : 'frame alone'}>
      <a
        class="skip"
        href="#main"
        onClick={(click) => {
          click.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        Skip to the page
      </a>
      <header class="side">
        <a class="brand" href="/dashboard/">
          TrackMate
        </a>
        {session && (
          <>
            <Companies />
            <nav aria-label="Pages">
              <ul>
                {PAGES.map(({ page: one, name, load }) => (
                  <li key={one}>
                    {/* Hovering a link often precedes a click: load the page early. */}
                    <a
                      href={to([one])}
                      aria-current={one === page ? 'page' : undefined}
                      onPointerEnter={() => void load().catch(() => {})}
                      onFocus={() => void load().catch(() => {})}
                    >
                      {name}
                    </a>
                  </li>
                ))}
              </ul>
            </nav>
          </>
        )}
        <nav class="foot" aria-label="More">
          <a href="/docs/">Docs</a>
          {isLocal && <a href={shop()}>Demo shop</a>}
          {session && (
            <button type="button" class="link" onClick={() => signOut()}>
              Sign out
            </button>
          )}
        </nav>
      </header>
      <main id="main" tabIndex={-1}>
        {session ? <Outlet key={session.company} page={page || 'live'} part={rest[0]} /> : <SignIn />}
      </main>
      <Notices />
    </div>
  );
}
