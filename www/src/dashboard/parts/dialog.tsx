// Modal dialogs, and dialogs that ask for confirmation.

import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import type { Task } from '../load';
import { modals, Notices, Problem } from './feedback';
import { Button } from './forms';

/**
 * A modal dialog. Escape and a click on the backdrop close it. It focuses its first field, and on
 * close gives the focus back to what opened it.
 */
export function Dialog({
  title,
  close,
  children,
  wide = false,
}: {
  title: ComponentChildren;
  close: () => void;
  children: ComponentChildren;
  wide?: boolean;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  // The browser's close event comes late: by then another dialog may be open in its place.
  const gone = useRef(false);
  const id = useId();
  useLayoutEffect(() => {
    const opened = dialog.current;
    const opener = document.activeElement;
    opened?.showModal();
    opened?.querySelector<HTMLElement>('input, select, textarea')?.focus();
    modals.value += 1;
    return () => {
      modals.value -= 1;
      gone.current = true;
      // The browser restores the focus when a dialog is closed, but not when it is removed while
      // open.
      opened?.close();
      if (opener instanceof HTMLElement && !opener.contains(document.activeElement)) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={wide ? 'wide' : ''}
      aria-labelledby={id}
      onClose={() => gone.current || close()}
      onClick={(click) => click.target === dialog.current && dialog.current?.close()}
    >
      <div class="dialog-body">
        <div class="card-head">
          <h2 id={id}>{title}</h2>
          <button type="button" class="small secondary" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
        {children}
      </div>
      <Notices inDialog />
    </dialog>
  );
}

/** Asks for confirmation. `children` explain what will happen. */
export function Confirm({
  title,
  act,
  task,
  close,
  run,
  children,
  disabled,
}: {
  title: string;
  act: string;
  task: Task;
  close: () => void;
  run: () => void;
  children: ComponentChildren;
  disabled?: boolean;
}) {
  return (
    <Dialog title={title} close={close}>
      {children}
      <Problem error={task.error} />
      <div class="actions">
        <Button tone="danger" task={task} disabled={disabled} onClick={run}>
          {act}
        </Button>
        <Button tone="secondary" onClick={close}>
          Cancel
        </Button>
      </div>
    </Dialog>
  );
}
