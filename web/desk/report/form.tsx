/** The fields of a report, in the order a call goes. */
import { parseLonLat, toWgs84 } from '@shared/datum';
import { toLocalInput } from '@shared/format';
import { serverNow } from '@shared/clock';
import { me } from '@shared/session';
import type { Datum, Line } from '@shared/types';
import { Choose, Field, Select, TextArea } from '@shared/ui';
import { cause, line, relation } from '@shared/words';
import { useOrganisations } from '../orgs';
import { type Draft, draft, oddPhone, oddPlate, oddVin, type } from './draft';
import { t } from './words';

const LINES: readonly Line[] = ['motor', 'property', 'agri', 'assist'];
const CAUSES: Record<Line, readonly string[]> = {
  motor: [
    'collision',
    'scratch',
    'rear_end',
    'parked_hit',
    'rollover',
    'glass',
    'falling_object',
    'flood',
    'hail',
    'fire',
    'theft',
    'vandalism',
    'other',
  ],
  property: ['fire', 'water', 'flood', 'storm', 'typhoon', 'explosion', 'theft', 'falling_object', 'earthquake', 'other'],
  agri: ['flood', 'drought', 'hail', 'frost', 'storm', 'typhoon', 'pest', 'disease', 'fire', 'other'],
  assist: ['breakdown', 'collision', 'flood', 'other'],
};
const RELATIONS = ['insured', 'driver', 'family', 'agent', 'third_party', 'police', 'other'] as const;
const DATUMS: readonly Datum[] = ['wgs84', 'gcj02', 'bd09'];

const input = (name: keyof Draft) => (event: { currentTarget: { value: string } }) => type({ [name]: event.currentTarget.value });

/** Takes a pasted coordinate in any datum; the server is sent the datum it came in. */
function paste(typed: string, datum: Datum): void {
  const at = parseLonLat(typed);
  type({
    typed,
    ...(at ? { lon: at.lon, lat: at.lat, datum } : { datum: draft.peek().lon === null ? datum : draft.peek().datum }),
  });
}

/** The pin in WGS-84, whatever datum was pasted. */
export function pinOf(of: Draft): { lon: number; lat: number } | null {
  return of.lon === null || of.lat === null ? null : toWgs84({ lon: of.lon, lat: of.lat, datum: of.datum });
}

/** 通赔: a loss of another branch's customer. Asked for only where there are branches to choose from. */
function Insurer({ of, error }: { of: Draft; error: string | null }) {
  const orgs = useOrganisations();
  const mine = me.value?.person.org.id;
  const others = (orgs.data?.items ?? []).filter((one) => one.kind !== 'firm' && one.id !== mine);
  if (!others.length) return null;
  return (
    <Select
      label={t('insurer')}
      access="G"
      value={of.insurer}
      error={error}
      choices={[{ value: '', label: t('insurerOwn') }, ...others.map((one) => ({ value: one.id, label: one.name }))]}
      onChange={input('insurer')}
    />
  );
}

function Thing({ of }: { of: Draft }) {
  const vehicle = of.line === 'motor' || of.line === 'assist';
  if (!vehicle) return <Field label={t('item')} access="D" value={of.item} maxLength={200} onInput={input('item')} wide />;
  return (
    <>
      <Field
        label={t('plate')}
        access="C"
        value={of.plate}
        maxLength={20}
        hint={oddPlate(of.plate) ? t('oddPlate') : undefined}
        onInput={input('plate')}
      />
      <Field
        label={t('third')}
        access="D"
        value={of.third}
        maxLength={100}
        placeholder={t('thirdHint')}
        onInput={input('third')}
      />
      <div class="two">
        <Field
          label={t('vin')}
          access="V"
          value={of.vin}
          maxLength={20}
          class="mono"
          hint={of.vin.length >= 17 && oddVin(of.vin) ? t('oddVin') : undefined}
          onInput={input('vin')}
        />
      </div>
    </>
  );
}

export function Fields({ errors }: { errors: Record<string, string> }) {
  const of = draft.value;
  return (
    <>
      <fieldset>
        <legend>{t('who')}</legend>
        <Field
          label={t('phone')}
          access="P"
          id="report-phone"
          type="tel"
          inputMode="tel"
          required
          autofocus
          maxLength={40}
          value={of.phone}
          onInput={input('phone')}
          error={errors.phone ?? null}
          hint={oddPhone(of.phone) && of.phone.length >= 11 ? t('badPhone') : undefined}
        />
        <Field label={t('name')} access="X" value={of.name} maxLength={60} onInput={input('name')} />
        <Select
          label={t('relation')}
          access="R"
          value={of.relation}
          choices={RELATIONS.map((value) => ({ value, label: relation(value) }))}
          onChange={input('relation')}
        />
        <Field label={t('policy')} access="B" value={of.policy} maxLength={60} onInput={input('policy')} />
      </fieldset>
      <fieldset>
        <legend>{t('thing')}</legend>
        <div class="wide pair inline">
          <Choose
            label={t('line')}
            value={of.line}
            choices={LINES.map((value) => ({ value, label: line(value) }))}
            onPick={(value) => type({ line: value, cause: CAUSES[value][0] ?? 'other' })}
          />
          <Insurer of={of} error={errors.insurer ?? null} />
        </div>
        <Thing of={of} />
      </fieldset>
      <fieldset>
        <legend>{t('event')}</legend>
        <Select
          label={t('cause')}
          access="Y"
          value={of.cause}
          choices={CAUSES[of.line].map((value) => ({ value, label: cause(value) }))}
          onChange={input('cause')}
        />
        <div class="two">
          <Field
            label={t('lossAt')}
            access="T"
            type="datetime-local"
            value={of.lossAt}
            max={toLocalInput(new Date(serverNow() + 60_000))}
            error={errors.lossAt ?? null}
            onInput={input('lossAt')}
          />
        </div>
        <Field
          label={t('injured')}
          access="I"
          type="number"
          inputMode="numeric"
          min={0}
          max={999}
          value={of.injured}
          error={errors.injured ?? null}
          onInput={input('injured')}
        />
        <div class="wide pair inline">
          <Choose
            label={t('movable')}
            value={of.movable}
            choices={[
              { value: '', label: '?' },
              { value: 'yes', label: t('can') },
              { value: 'no', label: t('cannot') },
            ]}
            onPick={(movable) => type({ movable })}
          />
          <Choose
            label={t('sceneLeft')}
            value={of.sceneLeft}
            choices={[
              { value: '', label: '?' },
              { value: 'no', label: t('onScene') },
              { value: 'yes', label: t('left') },
            ]}
            onPick={(sceneLeft) => type({ sceneLeft })}
          />
        </div>
      </fieldset>
      <fieldset>
        <legend>{t('where')}</legend>
        <Field
          label={t('place')}
          access="L"
          wide
          value={of.place}
          maxLength={200}
          placeholder={t('placeHint')}
          error={errors.place ?? null}
          onInput={input('place')}
        />
        <div class="two">
          <Field
            label={t('coordinates')}
            access="Z"
            class="mono"
            value={of.typed}
            placeholder="116.40,39.91"
            error={of.typed && !parseLonLat(of.typed) ? t('badCoordinates') : null}
            onInput={(event) => paste(event.currentTarget.value, of.datum)}
          />
        </div>
        <div class="two">
          <Select
            label={t('datum')}
            value={of.datum}
            choices={DATUMS.map((value) => ({ value, label: t(`datum_${value}`) }))}
            onChange={(event) => {
              const datum = event.currentTarget.value as Datum;
              if (parseLonLat(of.typed)) paste(of.typed, datum);
              else type({ datum: of.lon === null ? datum : of.datum });
            }}
          />
        </div>
        <TextArea label={t('note')} access="M" wide value={of.note} maxLength={2000} rows={2} onInput={input('note')} />
      </fieldset>
    </>
  );
}
