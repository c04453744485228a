# The receiver of seed 004 in Flask, as its author would paste it. What it leaves to its reader is a line of JSON on stdout.
import json
import os

from flask import Flask, request, jsonify

app = Flask(__name__)


def told(name):
    return lambda *args: print(json.dumps([name, *args]), flush=True)


save_match_result, notify_user, update_inventory = map(told, ['saveMatchResult', 'notifyUser', 'updateInventory'])


@app.route('/api/webhook', methods=['POST'])
def webhook():
    payload = request.json
    event = payload.get('event')
    timestamp = payload.get('timestamp')
    data = payload.get('data')

    print(f"Received {event} event at {timestamp}")

    if event == 'match':
        print(f"Best match: {data['best_model']}")
        print(f"Confidence: {data['confidence'] * 100:.1f}%")

        save_match_result(data)

        notify_user(data)
        update_inventory(data['best_model'])

    return jsonify({'received': True}), 200


if __name__ == '__main__':
    app.run(port=int(os.environ['PORT']))
