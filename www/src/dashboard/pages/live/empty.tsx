// Live without an entry: how to get the first one.

import { answer } from '../../../api';
import { isLocal } from '../../../local';
import { useTask } from '../../load';
import { Button } from '../../parts/forms';
import { Empty, Problem, notify } from '../../parts/feedback';
import { Code } from '../../parts/display';
import { company, shop, to } from '../../route';

const snippet = (companyId: string) => `<script type="module">
  import TrackMate from '${location.origin}/sdk/trackmate.js';
  TrackMate.init('${companyId}', '${location.origin}');
  TrackMate.trackPageView();
</script>`;

const curl = (companyId: string) => `curl ${location.origin}/api/events -H 'Content-Type: application/json' \\
  -d '{"company_id":"${companyId}","sessionId":"session_by_hand","events":[{"eventType":"hello","eventData":{"from":"curl"}}]}'`;

export function EmptyLive({ filtered }: { filtered: boolean }) {
  const task = useTask();
  const companyId = company.value;
  if (filtered) return <Empty title="Nothing like this yet">{<p>What comes in and fits the filters shows here at once.</p>}</Empty>;
  const send = async () => {
    const body = { company_id: companyId, sessionId: 'session_by_hand', events: [{ eventType: 'hello', eventData: { from: 'the dashboard' } }] };
    if (await task.run((admin) => answer(admin.POST('/api/events', { body })))) notify('A test event was sent.');
  };
  return (
    <Empty title="Listening. What comes in from now on shows here at once">
      <p>The quickest way to see one:</p>
      <div class="actions">
        <Button task={task} onClick={send}>Send a test event</Button>
        {isLocal && <a class="button secondary" href={shop()}>Open the demo shop</a>}
      </div>
      <Problem error={task.error} />
      <p>From your own pages, put this into the <code>{'<head>'}</code>:</p>
      <Code label="snippet" text={snippet(companyId)} />
      <p>From a terminal:</p>
      <Code label="curl line" text={curl(companyId)} />
      <p>What your server sends shows here too. Its key is made in <a href={to(['settings'])}>Settings</a>, and <a href="/docs/">the docs</a> say how to send.</p>
    </Empty>
  );
}
