// A funnel form for a page, and the same request with curl. Pure.

export const curl = (origin: string, company: string) => `curl -X POST ${origin}/api/contacts \\
  -H 'Content-Type: application/json' \\
  -d '{"company_id":"${company}","email":"ada@example.com","name":"Ada Lovelace",
       "funnel":{"projectId":"spring","projectName":"Spring sale","pageId":"p1","pageUrl":"https://shop.example/spring"},
       "utm":{"source":"newsletter","medium":"email","campaign":"spring"}}'`;

export const form = (origin: string, company: string) => `<form id="registration">
  <label>Name <input name="name" autocomplete="name"></label>
  <label>E-mail <input name="email" type="email" autocomplete="email" required></label>
  <button>Register</button>
  <p role="status"></p>
</form>
<script>
  const registration = document.getElementById('registration');
  registration.addEventListener('submit', async (submitted) => {
    submitted.preventDefault();
    const fields = new FormData(registration);
    const utm = new URLSearchParams(location.search);
    const status = registration.querySelector('[role=status]');
    try {
      const answer = await fetch('${origin}/api/contacts', {
        method: 'POST',
        body: JSON.stringify({
          company_id: '${company}',
          email: fields.get('email'),
          name: fields.get('name'),
          // Links the contact to the visitor's earlier events, if the page has TrackMate's SDK.
          sessionId: window.TrackMate?.getSessionId() || undefined,
          funnel: { projectId: 'spring', projectName: 'Spring sale', pageId: 'p1', pageUrl: location.href },
          visitor: { referrer: document.referrer },
          utm: Object.fromEntries(['source', 'medium', 'campaign', 'term', 'content'].map((name) => [name, utm.get('utm_' + name)])),
        }),
      });
      status.textContent = answer.ok ? 'Thank you.' : (await answer.json()).message;
    } catch {
      status.textContent = 'That did not work. Please try again.';
    }
  });
</script>`;
