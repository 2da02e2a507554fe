/** The desk: seats report, dispatchers watch and override, supervisors read, administrators set. */
import { useEffect, useState } from 'preact/hooks';
import type { ApiError } from '@shared/api';
import { asApiError } from '@shared/resource';
import { me, requireMe } from '@shared/session';
import { start } from '@shared/start';
import { Failed, Spinner } from '@shared/ui';
import { Shell } from './shell';
import './style.css';

function Desk() {
  const [error, setError] = useState<ApiError | null>(null);
  const load = () => {
    setError(null);
    requireMe().catch((failure: unknown) => setError(asApiError(failure)));
  };
  useEffect(load, []);
  if (error) return <Failed error={error} onRetry={load} />;
  return me.value ? <Shell /> : <Spinner />;
}

start(<Desk />);
