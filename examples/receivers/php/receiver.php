<?php
// A receiver of TrackMate's deliveries in plain PHP (8 or newer), free to copy. It verifies both
// signatures over the raw body.

const BODY_BYTES_MAX = 1024 * 1024;
const TOLERANCE_S = 5 * 60;

/**
 * X-Webhook-Signature: the hex HMAC-SHA256 of the body with the whole secret. hash_equals compares
 * in constant time.
 */
function verifyWebhookSignature(string $payload, string $signature, string $secret): bool
{
    $expectedSignature = hash_hmac('sha256', $payload, $secret);
    return strlen($signature) === strlen($expectedSignature) && hash_equals($expectedSignature, $signature);
}

/**
 * Standard Webhooks: covers id and time too, so that nobody can send an old delivery again. One
 * valid signature of several is enough.
 */
function verifyStandardWebhook(string $payload, string $id, string $timestamp, string $signatures, string $secret): bool
{
    if (!preg_match('/^\d{1,12}$/D', $timestamp) || abs(time() - (int) $timestamp) > TOLERANCE_S) {
        return false;
    }
    $key = str_starts_with($secret, 'whsec_') ? base64_decode(substr($secret, strlen('whsec_'))) : $secret;
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$payload", $key, true));
    foreach (explode(' ', $signatures) as $signature) {
        if (strlen($signature) === strlen($expected) && hash_equals($expected, $signature)) {
            return true;
        }
    }
    return false;
}

function isFromTrackMate(string $payload, string $secret): bool
{
    $header = fn (string $name): string => $_SERVER['HTTP_' . strtoupper(strtr($name, '-', '_'))] ?? '';
    // For some hours after the secret is rotated, deliveries have the old secret's signature too.
    $signed = verifyWebhookSignature($payload, $header('X-Webhook-Signature'), $secret)
        || verifyWebhookSignature($payload, $header('X-Webhook-Signature-Previous'), $secret);
    [$id, $timestamp] = [$header('webhook-id'), $header('webhook-timestamp')];
    return $signed && verifyStandardWebhook($payload, $id, $timestamp, $header('webhook-signature'), $secret);
}

function answer(int $status, array $body): never
{
    http_response_code($status);
    header('Content-Type: application/json');
    echo json_encode($body);
    exit;
}

$secret = getenv('WEBHOOK_SECRET') ?: '';
if ($secret === '') {
    error_log("Set WEBHOOK_SECRET to the webhook's secret (whsec_…).");
    answer(500, ['error' => 'The receiver has no secret']);
}
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    answer(405, ['error' => 'Deliveries come by POST']);
}
$payload = file_get_contents('php://input', length: BODY_BYTES_MAX + 1);
if (strlen($payload) > BODY_BYTES_MAX) {
    answer(413, ['error' => 'Body too large']);
}
if (!isFromTrackMate($payload, $secret)) {
    answer(401, ['error' => 'Invalid signature']);
}
$delivery = json_decode($payload, true);
if (!is_array($delivery)) {
    answer(400, ['error' => 'Invalid JSON']);
}
error_log("Received {$delivery['event']} at {$delivery['timestamp']} ({$_SERVER['HTTP_WEBHOOK_ID']})");
// Your code: store the webhook-id and skip one that you have seen; do slow work after the answer.
answer(200, ['received' => true]);
