/** The session ended under somebody's hands: he signs in again over the page, and nothing he typed is lost. */
import { useState } from 'preact/hooks';
import type { ApiError } from './api';
import { asApiError } from './resource';
import { lapsed, leave, me, signIn } from './session';
import { Banner, Button, Dialog, Field } from './ui';
import { common, explain } from './words';

function Form({ username }: { username: string }) {
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await signIn(username, password);
    } catch (failure) {
      setError(asApiError(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog title={common('againTitle')} class="again">
      <form class="stack" onSubmit={submit}>
        <p>{common('againNote')}</p>
        {error && <Banner kind="error">{explain(error)}</Banner>}
        {/* For password managers: they look for the name beside the password. */}
        <Field label={common('username')} name="username" autocomplete="username" value={username} readOnly />
        <Field
          label={common('password')}
          name="password"
          type="password"
          autocomplete="current-password"
          required
          autofocus
          value={password}
          onInput={(event) => setPassword(event.currentTarget.value)}
        />
        <div class="row">
          <Button type="submit" kind="primary" busy={busy}>
            {common('signIn')}
          </Button>
          <span class="grow" />
          <Button kind="quiet" onClick={leave}>
            {common('againOther')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

export function SignInAgain() {
  const who = me.value;
  return lapsed.value && who ? <Form username={who.person.username} /> : null;
}
