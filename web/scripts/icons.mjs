// Draws the phone's icons (public/icons/*.png) from the same shapes as favicon.svg. Run only when those change: node scripts/icons.mjs
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';

const TEAL = [0x0f, 0x5f, 0x6b, 255];
const WHITE = [255, 255, 255, 255];
const ORANGE = [0xe0, 0x7a, 0x1f, 255];
const CLEAR = [0, 0, 0, 0];
const SAMPLES = 4;

// The drawing lives on a 64 × 64 sheet, as the SVG does.
const curve = (a, b, c, d, n = 24) =>
    Array.from({ length: n + 1 }, (_, i) => {
        const t = i / n;
        const u = 1 - t;
        return [0, 1].map((k) => u ** 3 * a[k] + 3 * u * u * t * b[k] + 3 * u * t * t * c[k] + t ** 3 * d[k]);
    });
const PIN = [
    ...curve([32, 9], [22.6, 9], [15, 16.5], [15, 25.8]),
    ...curve([15, 25.8], [15, 38.2], [32, 55], [32, 55]),
    ...curve([32, 55], [32, 55], [49, 38.2], [49, 25.8]),
    ...curve([49, 25.8], [49, 16.5], [41.4, 9], [32, 9]),
];
const HANDS = [
    [32, 19.5],
    [32, 26],
    [36.5, 29.2],
];

function inside(polygon, x, y) {
    let is = false;
    for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i, i += 1) {
        const [[xi, yi], [xj, yj]] = [polygon[i], polygon[j]];
        if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) is = !is;
    }
    return is;
}

function toSegment(x, y, [ax, ay], [bx, by]) {
    const [dx, dy] = [bx - ax, by - ay];
    const t = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
    return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

function rounded(x, y, radius) {
    const [dx, dy] = [Math.max(radius - x, 0, x - (64 - radius)), Math.max(radius - y, 0, y - (64 - radius))];
    return x >= 0 && y >= 0 && x <= 64 && y <= 64 && Math.hypot(dx, dy) <= radius;
}

/** The colour at a point of the sheet. `corner` rounds the ground; `ground` null leaves only the pin, in white. */
function colour(x, y, { corner, ground, scale }) {
    const [px, py] = [(x - 32) / scale + 32, (y - 32) / scale + 32];
    if (inside(PIN, px, py)) {
        const ring = Math.abs(Math.hypot(px - 32, py - 26) - 10.5) <= 1.75;
        const hand = Math.min(toSegment(px, py, HANDS[0], HANDS[1]), toSegment(px, py, HANDS[1], HANDS[2])) <= 1.75;
        if (!ground) return ring || hand ? CLEAR : WHITE;
        return hand ? ORANGE : ring ? TEAL : WHITE;
    }
    return ground && rounded(x, y, corner) ? ground : CLEAR;
}

function draw(size, look) {
    const rows = [];
    for (let py = 0; py < size; py += 1) {
        const row = Buffer.alloc(1 + size * 4);
        for (let px = 0; px < size; px += 1) {
            const sum = [0, 0, 0, 0];
            for (let s = 0; s < SAMPLES * SAMPLES; s += 1) {
                const x = ((px + ((s % SAMPLES) + 0.5) / SAMPLES) * 64) / size;
                const y = ((py + (Math.floor(s / SAMPLES) + 0.5) / SAMPLES) * 64) / size;
                const [r, g, b, a] = colour(x, y, look);
                sum[0] += r * a;
                sum[1] += g * a;
                sum[2] += b * a;
                sum[3] += a;
            }
            for (let k = 0; k < 3; k += 1) row[1 + px * 4 + k] = sum[3] ? Math.round(sum[k] / sum[3]) : 0;
            row[1 + px * 4 + 3] = Math.round(sum[3] / (SAMPLES * SAMPLES));
        }
        rows.push(row);
    }
    return Buffer.concat(rows);
}

function chunk(type, data) {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
}

function png(size, look) {
    const header = Buffer.alloc(13);
    header.writeUInt32BE(size, 0);
    header.writeUInt32BE(size, 4);
    header.set([8, 6, 0, 0, 0], 8);
    const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    return Buffer.concat([
        signature,
        chunk('IHDR', header),
        chunk('IDAT', deflateSync(draw(size, look), { level: 9 })),
        chunk('IEND', Buffer.alloc(0)),
    ]);
}

const folder = fileURLToPath(new URL('../public/icons/', import.meta.url));
mkdirSync(folder, { recursive: true });
const ROUND = { corner: 14, ground: TEAL, scale: 1 };
// Android cuts a circle out of a maskable icon: everything that matters stays in the middle 80 %.
const FULL = { corner: 0, ground: TEAL, scale: 0.8 };
const files = {
    'icon-192.png': [192, ROUND],
    'icon-512.png': [512, ROUND],
    'maskable-192.png': [192, FULL],
    'maskable-512.png': [512, FULL],
    'apple-touch-icon.png': [180, { corner: 0, ground: TEAL, scale: 0.92 }],
    'badge-96.png': [96, { corner: 0, ground: null, scale: 1.3 }],
};
for (const [name, [size, look]] of Object.entries(files)) writeFileSync(folder + name, png(size, look));
