import { useEffect, useState } from 'preact/hooks';
import type { Shot } from '@shared/types';
import { Button } from '@shared/ui';
import type { LocalPhoto } from '../db';
import { discard } from '../photos';
import { Sheet } from '../ui/sheet';
import { w } from '../words.job';
import { Shutter, type Take } from './shots';

/** The address of a blob while it is shown. */
export function useBlobUrl(blob: Blob | null): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!blob) return setUrl(null);
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url;
}

/** «Perhaps blurred»: the phone asks, the person decides; the photograph is kept until he does. */
export function HintSheet({ photo, shot, onTake, onClose }: { photo: LocalPhoto; shot: Shot; onTake: Take; onClose: () => void }) {
  const url = useBlobUrl(photo.thumb);
  const hints = photo.hints.map((hint) => (hint === 'dark' ? w('hintDark') : w('hintBlurred'))).join('、');
  const again: Take = (files, which, source) => {
    void discard(photo.id).then(() => onTake(files, which, source));
    onClose();
  };
  return (
    <Sheet title={w('hintAsk', { hints })} onClose={onClose}>
      {url && <img class="hint-photo" src={url} alt="" />}
      <Shutter shot={shot} source="camera" label={w('retakeNow')} look="big primary" big onTake={again} />
      <Button size="big" data-testid="keep-photo" onClick={onClose}>{w('keepIt')}</Button>
    </Sheet>
  );
}
