/** How large marks, names and what can be pressed are on a map: on a 4K screen at a scale of 100 % they would be specks. */
import { computed, signal } from '@preact/signals';

export const MARK_SIZES = ['auto', 'normal', 'large', 'huge'] as const;
export type MarkSize = (typeof MARK_SIZES)[number];
const TIMES = { normal: 1, large: 1.5, huge: 2 };

/** What the person chose. */
export const markSize = signal<MarkSize>('auto');

/** By the window in CSS pixels: a screen that is scaled by its system has fewer of them, and needs nothing. */
const byWindow = (): number => Math.min(2.5, Math.max(1, Math.round(4 * Math.min(innerWidth / 1920, innerHeight / 1080)) / 4));
const fitting = signal(byWindow());
window.addEventListener('resize', () => void (fitting.value = byWindow()));

/** The factor all sizes in pixels are multiplied by. */
export const marks = computed(() => (markSize.value === 'auto' ? fitting.value : TIMES[markSize.value]));
export const scaled = (px: number): number => px * marks.peek();
