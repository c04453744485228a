<?php
// The receiver of seed 004 in PHP, as its author would paste it. What it leaves to its reader is a line of JSON in the file TOLD.
function told($name, $args) {
    file_put_contents(getenv('TOLD'), json_encode([$name, ...$args], JSON_PRESERVE_ZERO_FRACTION) . "\n", FILE_APPEND);
}
function saveMatchResult(...$args) { told('saveMatchResult', $args); }
function notifyUser(...$args) { told('notifyUser', $args); }

header('Content-Type: application/json');

$payload = json_decode(file_get_contents('php://input'), true);

$event = $payload['event'];
$timestamp = $payload['timestamp'];
$data = $payload['data'];

error_log("Received $event event at $timestamp");

if ($event === 'match') {
    $bestModel = $data['best_model'];
    $confidence = $data['confidence'] * 100;
    $modelUrl = $data['model_url'];

    error_log("Best match: $bestModel");
    error_log("Confidence: $confidence%");

    saveMatchResult($data);

    notifyUser($data);
}

http_response_code(200);
echo json_encode(['received' => true]);
