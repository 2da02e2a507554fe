/** One person: added, or changed. */
import { useState } from 'preact/hooks';
import { api, type ApiError } from '@shared/api';
import { saidOf } from '@shared/fielderrors';
import { asApiError } from '@shared/resource';
import type { Organisation, PersonRow, Role } from '@shared/types';
import { Banner, Button, Check, Dialog, Field, Select, tell } from '@shared/ui';
import { common, explain, role, skill } from '@shared/words';
import { t } from './words';

export const ROLES: readonly Role[] = ['seat', 'dispatcher', 'surveyor', 'adjuster', 'supervisor', 'admin', 'integration'];
const SKILLS = ['motor', 'property', 'agri', 'assist', 'injury', 'heavy', 'ev'] as const;

interface Typed {
  username: string;
  name: string;
  org_id: string;
  roles: Role[];
  yuan: string;
  skills: string[];
  max_open: string;
  password: string;
  phone: string;
  email: string;
}

const first = (of: PersonRow | null): Typed => ({
  username: of?.username ?? '',
  name: of?.name ?? '',
  org_id: of?.org.id ?? '',
  roles: of?.roles ?? ['surveyor'],
  yuan: String((of?.authority_fen ?? 0) / 100),
  skills: of?.surveyor?.skills ?? ['motor'],
  max_open: String(of?.surveyor?.max_open ?? 5),
  password: '',
  phone: of?.phone ?? '',
  email: of?.email ?? '',
});

function flip<T>(list: T[], one: T): T[] {
  return list.includes(one) ? list.filter((other) => other !== one) : [...list, one];
}

async function save(of: PersonRow | null, typed: Typed): Promise<void> {
  const shared = {
    name: typed.name.trim(),
    org_id: typed.org_id,
    phone: typed.phone.trim(),
    email: typed.email.trim(),
    roles: typed.roles,
    authority_fen: Math.round(Number(typed.yuan) * 100) || 0,
    ...(typed.roles.includes('surveyor') ? { skills: typed.skills, max_open: Number(typed.max_open) || 0 } : {}),
    ...(typed.password ? { password: typed.password } : {}),
  };
  if (of) return api.patch(`/people/${of.id}`, shared);
  await api.post('/people', {
    ...shared,
    username: typed.username.trim(),
    phone: shared.phone || null,
    email: shared.email || null,
  });
}

function Boxes<T extends string>({
  label,
  all,
  on,
  word,
  onFlip,
}: {
  label: string;
  all: readonly T[];
  on: string[];
  word: (one: string) => string;
  onFlip: (one: T) => void;
}) {
  return (
    <fieldset class="choose">
      <legend>{label}</legend>
      <div class="choose-row">
        {all.map((one) => (
          <Check key={one} label={word(one)} checked={on.includes(one)} onChange={() => onFlip(one)} />
        ))}
      </div>
    </fieldset>
  );
}

export function PersonDialog({
  of,
  orgs,
  onDone,
}: {
  of: PersonRow | null;
  orgs: Organisation[];
  onDone: (changed: boolean) => void;
}) {
  const [given, setTyped] = useState<Typed>(() => first(of));
  // The list of organisations may arrive after the dialog opened.
  const typed = { ...given, org_id: given.org_id || (orgs[0]?.id ?? '') };
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const put = (part: Partial<Typed>) => setTyped((old) => ({ ...old, ...part }));
  const surveys = typed.roles.includes('surveyor');
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await save(of, typed);
      tell('ok', t(of ? 'saved' : 'added'));
      onDone(true);
    } catch (failure) {
      setError(asApiError(failure));
      setBusy(false);
    }
  };
  const wrong = (path: string) => {
    const found = error?.errors.find((one) => one.path === path);
    return found ? saidOf(found.message) : null;
  };
  return (
    <Dialog
      wide
      title={of ? `${t('edit')} · ${of.name}` : t('add')}
      onClose={() => onDone(false)}
      actions={
        <>
          <Button onClick={() => onDone(false)}>{common('cancel')}</Button>
          <Button kind="primary" type="submit" form="person" busy={busy}>
            {common('save')}
          </Button>
        </>
      }
    >
      <form id="person" class="form-grid" onSubmit={submit}>
        {error && (
          <div class="wide">
            <Banner kind="error">{explain(error)}</Banner>
          </div>
        )}
        <Field
          label={t('name')}
          required
          maxLength={100}
          autofocus={!of}
          value={typed.name}
          error={wrong('name')}
          onInput={(event) => put({ name: event.currentTarget.value })}
        />
        {!of && (
          <Field
            label={t('username')}
            required
            minLength={2}
            maxLength={100}
            autocapitalize="none"
            spellcheck={false}
            value={typed.username}
            error={wrong('username')}
            onInput={(event) => put({ username: event.currentTarget.value })}
          />
        )}
        <Select
          label={t('org')}
          value={typed.org_id}
          choices={orgs.map((org) => ({ value: org.id, label: org.name }))}
          onChange={(event) => put({ org_id: event.currentTarget.value })}
        />
        <Field
          label={t('phone')}
          type="tel"
          value={typed.phone}
          error={wrong('phone')}
          onInput={(event) => put({ phone: event.currentTarget.value })}
        />
        <Field
          label={t('email')}
          type="email"
          value={typed.email}
          error={wrong('email')}
          onInput={(event) => put({ email: event.currentTarget.value })}
        />
        <Field
          label={of ? t('newPassword') : t('password')}
          type="password"
          autocomplete="new-password"
          hint={t('passwordHint')}
          value={typed.password}
          error={wrong('password')}
          onInput={(event) => put({ password: event.currentTarget.value })}
        />
        <div class="wide">
          <Boxes
            label={t('roles')}
            all={ROLES}
            on={typed.roles}
            word={role}
            onFlip={(one) => put({ roles: flip(typed.roles, one) })}
          />
        </div>
        {typed.roles.includes('adjuster') && (
          <Field
            label={t('authority')}
            type="number"
            min={0}
            step="0.01"
            value={typed.yuan}
            onInput={(event) => put({ yuan: event.currentTarget.value })}
          />
        )}
        {surveys && (
          <Field
            label={t('maxOpen')}
            type="number"
            min={0}
            max={50}
            value={typed.max_open}
            onInput={(event) => put({ max_open: event.currentTarget.value })}
          />
        )}
        {surveys && (
          <div class="wide">
            <Boxes
              label={t('skills')}
              all={SKILLS}
              on={typed.skills}
              word={skill}
              onFlip={(one) => put({ skills: flip(typed.skills, one) })}
            />
          </div>
        )}
      </form>
    </Dialog>
  );
}
