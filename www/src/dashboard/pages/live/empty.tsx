// The empty state of Live: how to send the first event.

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
  if (filtered)
    return <Empty title="No events match">{<p>New events that match the filters show here at once.</p>}</Empty>;
  const send = async () => {
    const body = {
      company_id: companyId,
      sessionId: 'session_by_hand',
      events: [{ eventType: 'hello', eventData: { from: 'the dashboard' } }],
    };
    if (await task.run((admin) => answer(admin.POST('/api/events', { body })))) notify('A test event was sent.');
  };
  return (
    <Empty title="Listening. New events show here at once">
      <p>The quickest way to see an event:</p>
      <div class="actions">
        <Button task={task} onClick={send}>
          Send a test event
        </Button>
        {isLocal && (
          <a class="button secondary" href={shop()}>
            Open the demo shop
          </a>
        )}
      </div>
      <Problem error={task.error} />
      <p>
        To send from your pages, put this into the <code>{'<head>'}</code>:
      </p>
      <Code label="snippet" text={snippet(companyId)} />
      <p>To send from a terminal:</p>
      <Code label="curl line" text={curl(companyId)} />
      <p>
        Events from your server show here too. Create its key in <a href={to(['settings'])}>Settings</a>;{' '}
        <a href="/docs/">the docs</a> explain how to send.
      </p>
    </Empty>
  );
}
