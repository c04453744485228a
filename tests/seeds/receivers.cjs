// The receivers of seeds 003 and 004 in Express, as their authors would paste them, each at a path of its own. What they leave to their reader
// (a CRM, a shop) is here a line of JSON on stdout, so that a test sees what reached it.
const express = require('express');
const crypto = require('crypto');

const app = express();
const YOUR_WEBHOOK_SECRET = process.env.WEBHOOK_SECRET;
const SHEET_ID = 'sheet';
const [userId, userEmail] = ['user', 'user@example.com'];

/** Whatever is called under this name is told. */
const told = (name, answer) =>
  new Proxy(async () => {}, {
    get: (_, key) => told(`${name}.${key}`, answer),
    apply: async (_, __, args) => {
      process.stdout.write(`${JSON.stringify([name, ...args])}\n`);
      return answer;
    },
  });
const [hubspot, sheets, analyticsDB, analytics, crm] = ['hubspot', 'sheets', 'analyticsDB', 'analytics', 'crm'].map((name) => told(name));
const [saveMatchResult, notifyUser, updateInventory] = ['saveMatchResult', 'notifyUser', 'updateInventory'].map((name) => told(name));
const [addToCart, sendEmail, notifySupplier, incrementPopularity] = ['addToCart', 'sendEmail', 'notifySupplier', 'incrementPopularity'].map((name) => told(name));
const checkInventory = told('checkInventory', false);
const processWebhook = told('processWebhook');

// 003: verify, then read.
function verifyWebhookSignature(payload, signature, secret) {
  const expectedSignature = crypto
    .createHmac('sha256', secret)
    .update(payload)
    .digest('hex');

  return crypto.timingSafeEqual(
    Buffer.from(signature),
    Buffer.from(expectedSignature)
  );
}

app.post('/webhooks/flowkick', express.raw({ type: 'application/json' }), (req, res) => {
  const signature = req.headers['x-webhook-signature'];
  const payload = req.body.toString();

  if (!verifyWebhookSignature(payload, signature, YOUR_WEBHOOK_SECRET)) {
    return res.status(401).json({ error: 'Invalid signature' });
  }

  const data = JSON.parse(payload);
  console.log('Received event:', data.event);
  console.log('User data:', data.data.user);

  told('verified')(data);

  res.status(200).json({ received: true });
});

app.use(express.json());

// 003: the use cases.
app.post('/hubspot', async (req, res) => {
  const { event, data } = req.body;

  if (event === 'user.created' || event === 'user.updated') {
    const { user } = data;

    await hubspot.contacts.createOrUpdate({
      email: user.email,
      properties: {
        firstname: user.firstName,
        lastname: user.lastName,
        phone: user.phone,
        instagram_username: user.instagramUsername,
        favorite_drink: user.customFields.favorite_drink,
        visit_count: user.customFields.visit_count,
        tags: user.tags.map(t => t.name).join(','),
      },
    });
  }

  res.status(200).json({ received: true });
});

app.post('/sheets', async (req, res) => {
  const { event, data } = req.body;

  if (event === 'booking.created') {
    const { booking } = data;

    await sheets.spreadsheets.values.append({
      spreadsheetId: SHEET_ID,
      range: 'Bookings!A:F',
      valueInputOption: 'RAW',
      resource: {
        values: [[
          booking.user.firstName,
          booking.user.email,
          booking.startTime,
          booking.endTime,
          booking.status,
          booking.tool.name,
        ]],
      },
    });
  }

  res.status(200).json({ received: true });
});

app.post('/analytics', async (req, res) => {
  const { event, data } = req.body;

  if (event === 'user.updated') {
    const { user } = data;

    await analyticsDB.trackUserActivity({
      userId: user.id,
      instagramUsername: user.instagramUsername,
      messagesCount: user.interactions?.messagesCount,
      commentsCount: user.interactions?.commentsCount,
      storiesCount: user.interactions?.storiesCount,
      totalInteractions: user.interactions?.totalCount,
      bookingsCount: user.stats.bookingsCount,
      qrScansCount: user.stats.qrScansCount,
      timestamp: new Date(),
    });
  }

  res.status(200).json({ received: true });
});

// 004: the receiver, the one that asks for a secret, and the one that answers first.
app.post('/api/webhook', (req, res) => {
  const { event, timestamp, data } = req.body;

  console.log(`Received ${event} event at ${timestamp}`);

  if (event === 'match') {
    console.log(`Best match: ${data.best_model}`);
    console.log(`Confidence: ${(data.confidence * 100).toFixed(1)}%`);
    console.log(`Model URL: ${data.model_url}`);

    saveMatchResult(data);

    notifyUser(data);
    updateInventory(data.best_model);
  }

  res.status(200).json({ received: true });
});

app.post('/guarded', (req, res) => {
  const secret = req.headers['x-webhook-secret'];

  if (secret !== 'your-secret-token-here') {
    return res.status(401).json({ error: 'Unauthorized' });
  }

  res.status(200).json({ received: true });
});

app.post('/first', (req, res) => {
  res.status(200).json({ received: true });

  processWebhook(req.body).catch(console.error);
});

// 004: the use cases.
app.post('/shop', async (req, res) => {
  const { data } = req.body;

  await addToCart(userId, {
    product: data.best_model,
    confidence: data.confidence,
    modelUrl: data.model_url
  });

  await sendEmail(userEmail, {
    subject: 'We found your perfect glasses!',
    model: data.best_model,
    confidence: `${(data.confidence * 100).toFixed(0)}%`
  });

  res.json({ received: true });
});

app.post('/tracking', async (req, res) => {
  const { data } = req.body;

  analytics.track('Model Matched', {
    model: data.best_model,
    confidence: data.confidence,
    images_count: data.images_count,
    timestamp: data.timestamp
  });

  res.json({ received: true });
});

app.post('/inventory', async (req, res) => {
  const { data } = req.body;

  const inStock = await checkInventory(data.best_model);

  if (!inStock) {
    await notifySupplier(data.best_model);
  }

  await incrementPopularity(data.best_model);

  res.json({ received: true });
});

app.post('/crm', async (req, res) => {
  const { data } = req.body;

  await crm.createLead({
    source: 'AI Glasses Finder',
    product_interest: data.best_model,
    confidence: data.confidence,
    timestamp: data.timestamp
  });

  res.json({ received: true });
});

app.listen(process.env.PORT, '127.0.0.1');
