// Form controls: buttons with a busy state, fields with hints, dialogs.

import type {
  ButtonHTMLAttributes,
  ComponentChildren,
  InputHTMLAttributes,
  SelectHTMLAttributes,
  TextareaHTMLAttributes,
} from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import type { Task } from '../load';
import { modals, Notices, Problem } from './feedback';

/** A button that is busy while its task runs. It keeps the focus and ignores clicks meanwhile. */
export function Button({
  task,
  tone = '',
  label,
  children,
  onClick,
  ...rest
}: {
  task?: Task;
  tone?: '' | 'secondary' | 'danger' | 'link' | 'small secondary';
  label?: string;
  children: ComponentChildren;
} & Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'label'>) {
  return (
    <button
      type="button"
      {...rest}
      class={tone}
      aria-label={label}
      aria-disabled={task?.busy}
      aria-busy={task?.busy}
      onClick={task?.busy ? undefined : onClick}
    >
      {children}
    </button>
  );
}

interface FieldProps {
  label: ComponentChildren;
  hint?: ComponentChildren;
}

/** A labelled text field. `type` is that of an input element. */
export function Text({
  label,
  hint,
  value,
  set,
  ...rest
}: FieldProps & { value: string; set: (value: string) => void; list?: string } & Omit<
    InputHTMLAttributes<HTMLInputElement>,
    'value' | 'label' | 'role' | 'size'
  >) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        {...(rest as object)}
        value={value}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onInput={(input) => set(input.currentTarget.value)}
      />
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

export function Area({
  label,
  hint,
  value,
  set,
  ...rest
}: FieldProps & { value: string; set: (value: string) => void } & Omit<
    TextareaHTMLAttributes<HTMLTextAreaElement>,
    'value' | 'label' | 'role' | 'size'
  >) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        {...rest}
        value={value}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onInput={(input) => set(input.currentTarget.value)}
      />
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

export function Select({
  label,
  hint,
  value,
  set,
  options,
  ...rest
}: FieldProps & { value: string; set: (value: string) => void; options: [value: string, name: string][] } & Omit<
    SelectHTMLAttributes<HTMLSelectElement>,
    'value' | 'label' | 'role' | 'size'
  >) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        {...rest}
        value={value}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(change) => set(change.currentTarget.value)}
      >
        {options.map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

export function Check({
  label,
  hint,
  value,
  set,
  ...rest
}: FieldProps & { value: boolean; set: (value: boolean) => void } & Omit<
    InputHTMLAttributes<HTMLInputElement>,
    'value' | 'label' | 'type' | 'role'
  >) {
  const id = useId();
  return (
    <div class="field check">
      <input
        id={id}
        type="checkbox"
        {...rest}
        checked={value}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(change) => set(change.currentTarget.checked)}
      />
      <label for={id}>{label}</label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

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

/** A form that runs its task on submit. A problem shows above its buttons. */
export function Form({
  task,
  act,
  submit,
  children,
  actions,
  inline = false,
}: {
  task: Task;
  act: string;
  submit: () => void;
  children: ComponentChildren;
  actions?: ComponentChildren;
  inline?: boolean;
}) {
  return (
    <form
      class={inline ? 'inline' : ''}
      onSubmit={(submitted) => {
        submitted.preventDefault();
        if (!task.busy) submit();
      }}
    >
      {children}
      <Problem error={task.error} />
      <div class="actions">
        <button aria-disabled={task.busy} aria-busy={task.busy}>
          {act}
        </button>
        {actions}
      </div>
    </form>
  );
}
