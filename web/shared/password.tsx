/** A new password by its owner: the one an administrator gave is known to two. */
import { useState } from 'preact/hooks';
import { api, type ApiError } from './api';
import { words } from './i18n';
import { asApiError } from './resource';
import { Banner, Button, Dialog, Field, tell } from './ui';
import { common, explain } from './words';

const SHORTEST = 10;

const t = words(
  {
    title: '修改密码',
    current: '现在的密码',
    new: '新密码',
    again: '再输入一次新密码',
    hint: '至少 10 位',
    short: '至少要 10 位',
    differ: '两次输入的新密码不一样',
    done: '密码已修改，其他电脑上的登录已退出',
  },
  {
    title: 'Change the password',
    current: 'Present password',
    new: 'New password',
    again: 'New password again',
    hint: 'Ten characters or more',
    short: 'It needs ten characters or more',
    differ: 'The two new passwords differ',
    done: 'The password is changed; sign-ins elsewhere have ended',
  },
);

export const changePassword = () => t('title');

export function PasswordDialog({ onClose }: { onClose: () => void }) {
  const [typed, setTyped] = useState({ current: '', new: '', again: '' });
  const [wrong, setWrong] = useState<{ new?: string; again?: string }>({});
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    const found = {
      ...(typed.new.length < SHORTEST ? { new: t('short') } : {}),
      ...(typed.new !== typed.again ? { again: t('differ') } : {}),
    };
    setWrong(found);
    if (Object.keys(found).length) return;
    setBusy(true);
    setError(null);
    try {
      await api.post('/me/password', { current: typed.current, new: typed.new }, { tries: 0 });
      tell('ok', t('done'));
      onClose();
    } catch (failure) {
      setError(asApiError(failure));
      setBusy(false);
    }
  };
  const field = (name: keyof typeof typed, complete: string) => ({
    label: t(name),
    name,
    type: 'password' as const,
    autocomplete: complete,
    required: true,
    value: typed[name],
    onInput: (event: { currentTarget: { value: string } }) => setTyped({ ...typed, [name]: event.currentTarget.value }),
  });
  return (
    <Dialog
      title={t('title')}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{common('cancel')}</Button>
          <Button kind="primary" type="submit" form="own-password" busy={busy}>
            {common('save')}
          </Button>
        </>
      }
    >
      <form id="own-password" class="stack" onSubmit={submit}>
        {error && <Banner kind="error">{explain(error)}</Banner>}
        <Field {...field('current', 'current-password')} autofocus />
        <Field {...field('new', 'new-password')} hint={t('hint')} error={wrong.new ?? null} />
        <Field {...field('again', 'new-password')} error={wrong.again ?? null} />
      </form>
    </Dialog>
  );
}
