// A button on each code block that copies its text. A browser offers the clipboard to a page of
// https or of this machine only; elsewhere there are no buttons.

const SHOWN_MS = 2000;

function copyButton(code: HTMLElement): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy';
  button.textContent = 'Copy';
  // Screen readers read the new text of the button.
  button.ariaLive = 'polite';
  button.addEventListener('click', async () => {
    const copied = navigator.clipboard.writeText(code.textContent ?? '');
    button.textContent = await copied.then(
      () => 'Copied',
      () => 'Not allowed',
    );
    setTimeout(() => (button.textContent = 'Copy'), SHOWN_MS);
  });
  return button;
}

export function addCopyButtons() {
  if (!navigator.clipboard) return;
  for (const pre of document.querySelectorAll<HTMLPreElement>('main pre')) {
    const frame = document.createElement('div');
    frame.className = 'sample';
    pre.replaceWith(frame);
    frame.append(pre, copyButton(pre));
  }
}
