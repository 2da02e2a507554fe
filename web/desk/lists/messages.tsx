/** The outbox: what was said to whom, and whether it went. */
import { useEffect, useState } from 'preact/hooks';
import { api } from '@shared/api';
import { dayTimeS } from '@shared/format';
import { may } from '@shared/session';
import type { Message } from '@shared/types';
import { Badge, Button, Check, EmptyState, type IconName, Loaded, Table, tell, tellError, type Tone } from '@shared/ui';
import { channel, common } from '@shared/words';
import { link } from '../route';
import { useList } from './more';
import { t } from './words';

const LOOK: Record<Message['state'], { tone: Tone; icon: IconName }> = {
  waiting: { tone: 'amber', icon: 'clock' },
  sent: { tone: 'green', icon: 'check' },
  failed: { tone: 'red', icon: 'error' },
  dropped: { tone: 'grey', icon: 'ban' },
};
const CHANNEL_ICON: Record<string, IconName> = { sms: 'smartphone', chat: 'message', mail: 'mail' };
const AUDIENCES = ['customer', 'surveyor', 'dispatcher', 'branch_head', 'system'] as const;
const CHANNELS = ['sms', 'chat', 'mail', 'webhook'] as const;
const STATES = ['waiting', 'sent', 'failed', 'dropped'] as const;
const AGAIN_MS = 5000;

function Pick({
  label,
  value,
  of,
  onPick,
}: {
  label: string;
  value: string;
  of: [string, string][];
  onPick: (value: string) => void;
}) {
  return (
    <select class="input" aria-label={label} value={value} onChange={(event) => onPick(event.currentTarget.value)}>
      {of.map(([key, text]) => (
        <option key={key} value={key}>
          {text}
        </option>
      ))}
    </select>
  );
}

export function Messages() {
  const [audience, setAudience] = useState('');
  const [by, setBy] = useState('');
  const [state, setState] = useState('');
  const [auto, setAuto] = useState(true);
  const [turn, setTurn] = useState(0);
  const list = useList<Message>('/messages', { audience, channel: by, state }, 50, turn);
  const grown = (list.data?.length ?? 0) > 50;
  useEffect(() => {
    // A refresh would fold a list that somebody is reading further down.
    if (!auto || grown) return;
    const timer = setInterval(() => !document.hidden && setTurn((n) => n + 1), AGAIN_MS);
    return () => clearInterval(timer);
  }, [auto, grown]);
  const resend = (one: Message) =>
    // A second press before the answer came is the same press: the customer gets one message.
    api.post(`/messages/${one.id}/resend`, {}, { key: `resend-${one.id}-${one.attempts}` }).then(() => {
      tell('ok', t('resent'));
      list.reload();
    }, tellError);
  return (
    <div class="page">
      <section class="panel list">
        <header class="tools row wrap">
          <h1>{t('messages')}</h1>
          <span class="muted small grow">{t('messagesNote')}</span>
          <Pick
            label={t('audience')}
            value={audience}
            onPick={setAudience}
            of={[['', t('anyAudience')], ...AUDIENCES.map((one): [string, string] => [one, t(`audience_${one}`)])]}
          />
          <Pick
            label={t('channel')}
            value={by}
            onPick={setBy}
            of={[['', t('anyChannel')], ...CHANNELS.map((one): [string, string] => [one, channel(one)])]}
          />
          <Pick
            label={t('state')}
            value={state}
            onPick={setState}
            of={[['', t('anyState')], ...STATES.map((one): [string, string] => [one, t(`state_${one}`)])]}
          />
          <Check label={t('auto')} checked={auto} onChange={(event) => setAuto(event.currentTarget.checked)} />
        </header>
        <Loaded of={list} rows={10}>
          {(rows) =>
            rows.length === 0 ? (
              <EmptyState icon="message" title={t('noMessages')}>
                {t('noMessagesNote')}
              </EmptyState>
            ) : (
              <>
                <Table<Message>
                  caption={t('messages')}
                  rows={rows}
                  id={(row) => row.id}
                  columns={[
                    {
                      key: 'at',
                      head: t('created'),
                      cell: (row) => <span class="nowrap tabular">{dayTimeS(row.created_at)}</span>,
                    },
                    {
                      key: 'state',
                      head: t('state'),
                      cell: (row) => <Badge {...LOOK[row.state]}>{t(`state_${row.state}`)}</Badge>,
                    },
                    {
                      key: 'who',
                      head: t('audience'),
                      cell: (row) => (
                        <span class="nowrap">
                          {(AUDIENCES as readonly string[]).includes(row.audience)
                            ? t(`audience_${row.audience as (typeof AUDIENCES)[number]}`)
                            : row.audience}
                        </span>
                      ),
                    },
                    {
                      key: 'by',
                      head: t('channel'),
                      cell: (row) => <Badge icon={CHANNEL_ICON[row.channel] ?? 'send'}>{channel(row.channel)}</Badge>,
                    },
                    { key: 'to', head: t('address'), cell: (row) => <span class="mono nowrap">{row.address}</span> },
                    {
                      key: 'text',
                      head: t('text'),
                      cell: (row) => (
                        <div class="message-text">
                          {row.text}
                          {row.last_error && <div class="small warn">{t('lastError', { e: row.last_error })}</div>}
                        </div>
                      ),
                    },
                    { key: 'n', head: t('attempts'), cell: (row) => row.attempts, align: 'right' },
                    {
                      key: 'claim',
                      head: t('claim'),
                      cell: (row) =>
                        row.claim_id && (
                          <a href={link('claims', row.claim_id)}>
                            <span class="mono">{row.report_no ?? t('claim')}</span>
                          </a>
                        ),
                    },
                    {
                      key: 'act',
                      head: '',
                      cell: (row) =>
                        may('dispatcher', 'admin') &&
                        row.state !== 'waiting' && (
                          <Button size="small" kind="quiet" icon="rotate-right" onClick={() => void resend(row)}>
                            {t('resend')}
                          </Button>
                        ),
                    },
                  ]}
                />
                {list.next && (
                  <div class="more">
                    <Button busy={list.loading} onClick={list.more}>
                      {common('more')}
                    </Button>
                  </div>
                )}
              </>
            )
          }
        </Loaded>
      </section>
    </div>
  );
}
