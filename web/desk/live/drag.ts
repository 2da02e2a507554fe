/** Dragging a job onto a surveyor, on the map or in the list. */
import { signal } from '@preact/signals';
import type { Id, TaskCard } from '@shared/types';
import { tasks } from '../store';

const KIND = 'application/x-chakan-task';

/** The job in the air, so that targets can light up (a drop's data is hidden until it lands). */
export const dragged = signal<TaskCard | null>(null);

export const ASSIGNABLE = new Set<TaskCard['state']>([
  'pending',
  'offered',
  'unassigned',
  'accepted',
  'contacted',
  'en_route',
  'on_scene',
  'returned',
]);

export function startDrag(event: DragEvent, card: TaskCard): void {
  event.dataTransfer?.setData(KIND, card.id);
  event.dataTransfer?.setData('text/plain', card.report_no);
  if (event.dataTransfer) event.dataTransfer.effectAllowed = 'link';
  // Not in this very event: a page that changes while the drag begins makes Chrome end it at once.
  setTimeout(() => void (dragged.value = card));
}

export const endDrag = (): void => void (dragged.value = null);

/** Allows a drop here, when it is a job. */
export function over(event: DragEvent): boolean {
  if (!dragged.peek()) return false;
  event.preventDefault();
  if (event.dataTransfer) event.dataTransfer.dropEffect = 'link';
  return true;
}

export function dropped(event: DragEvent): TaskCard | null {
  event.preventDefault();
  const id: Id = event.dataTransfer?.getData(KIND) ?? '';
  dragged.value = null;
  return tasks.peek().get(id) ?? null;
}
