// Sample code that proves an email address: its HMAC-SHA256 with the identity secret, in hex. A
// browser test runs these samples as they are shown.

export const PROOFS = {
  node: {
    name: 'Node',
    text: `import { createHmac } from 'node:crypto';

export const userHash = (email) =>
  createHmac('sha256', process.env.TRACKMATE_IDENTITY_SECRET).update(email.trim().toLowerCase()).digest('hex');`,
  },
  python: {
    name: 'Python',
    text: `import hashlib
import hmac
import os


def user_hash(email):
    secret = os.environ["TRACKMATE_IDENTITY_SECRET"].encode()
    return hmac.new(secret, email.strip().lower().encode(), hashlib.sha256).hexdigest()`,
  },
  php: {
    name: 'PHP',
    text: `<?php
function userHash(string $email): string
{
    return hash_hmac('sha256', strtolower(trim($email)), getenv('TRACKMATE_IDENTITY_SECRET'));
}`,
  },
};

export const USE = `TrackMate.identify({ email: user.email, userHash: user.hash });`;
