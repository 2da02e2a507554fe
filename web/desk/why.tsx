/** Why somebody looks at where people were: asked before a track and before playback, kept until the page is left. */
import { signal } from '@preact/signals';
import { words } from '@shared/i18n';
import { LOOK_REASONS, lookReason } from '@shared/track/looks';
import { Field, Select } from '@shared/ui';

const t = words(
  {
    why: '为什么查看？',
    own: '请写明原因',
    note: '轨迹是个人敏感信息：谁、何时、为什么查看都会被记录，本人可以看到。',
    noteAll: '回放会显示所有人到过哪里。轨迹是个人敏感信息：谁、何时、为什么查看都会被记录。',
  },
  {
    why: 'Why do you look?',
    own: 'Say why',
    note: 'A track is sensitive personal data: who looked, when and why is written down, and he can read it.',
    noteAll: 'Playback shows where everybody was. That is sensitive personal data: who looked, when and why is written down.',
  },
);

const choice = signal('');
const own = signal('');
/** The shortest that the API takes for a reason. */
const LEAST = 2;

/** The reason as the audit keeps it; empty while none is given. */
export function reasonGiven(): string {
  const reason = choice.value === 'other' ? own.value.trim() : choice.value;
  return reason.length >= LEAST ? reason : '';
}

export function WhyFields({ everybody }: { everybody?: boolean }) {
  return (
    <>
      <p class="muted">{everybody ? t('noteAll') : t('note')}</p>
      <Select
        label={t('why')}
        required
        value={choice.value}
        choices={[{ value: '', label: '—' }, ...LOOK_REASONS.map((value) => ({ value, label: lookReason(value) }))]}
        onChange={(event) => (choice.value = event.currentTarget.value)}
      />
      {choice.value === 'other' && (
        <Field
          label={t('own')}
          required
          maxLength={200}
          value={own.value}
          onInput={(event) => (own.value = event.currentTarget.value)}
        />
      )}
    </>
  );
}
