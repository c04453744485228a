// Form controls: buttons with a busy state, fields with hints, forms.

import type {
  ButtonHTMLAttributes,
  ComponentChildren,
  InputHTMLAttributes,
  SelectHTMLAttributes,
  TextareaHTMLAttributes,
} from 'preact';
import { useId } from 'preact/hooks';
import type { Task } from '../load';
import { Problem } from './feedback';

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
