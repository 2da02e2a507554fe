// Makes public/land.json: the land of the world as one GeoJSON MultiPolygon from world-atlas (Natural Earth), without any border.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { feature } from 'topojson-client';

const require = createRequire(import.meta.url);
const topology = JSON.parse(readFileSync(require.resolve('world-atlas/land-50m.json'), 'utf8'));
const round = (value) => Math.round(value * 100) / 100;
const land = feature(topology, topology.objects.land).features.flatMap((one) =>
    one.geometry.type === 'MultiPolygon' ? one.geometry.coordinates : [one.geometry.coordinates],
);

function ring(points) {
    const out = [];
    for (const [lon, lat] of points) {
        const point = [round(lon), round(lat)];
        const last = out.at(-1);
        if (!last || last[0] !== point[0] || last[1] !== point[1]) out.push(point);
    }
    return out;
}

const polygons = land.map((polygon) => polygon.map(ring).filter((one) => one.length > 3)).filter((polygon) => polygon.length);
const target = new URL('../public/land.json', import.meta.url);
writeFileSync(
    target,
    JSON.stringify({ type: 'Feature', properties: {}, geometry: { type: 'MultiPolygon', coordinates: polygons } }),
);
