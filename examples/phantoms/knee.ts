/** The brightness of a knee at a point: the sum of tissue, bones and their texture. */
import type { Anatomy } from './anatomy.js';
import { bump, smoothMax, smoothstep } from './shade.js';
import { trabeculaeAt } from './texture.js';

const TISSUE = 0.3;
const BONE = 0.28;
const CORTEX = 0.16;
const TEXTURE = 0.03;

/**
 * Brightness of a knee at a point of knee space: 0 air, about 0.3 soft tissue, about 0.6 bone, up
 * to 1. `soft` is the width of the smooth edges in knee-space units (focal blur).
 */
export function kneeAt(anatomy: Anatomy, x: number, y: number, soft: number): number {
  const halfWidth = anatomy.tissueHalfWidth.at(y);
  const inTissue = halfWidth - Math.abs(x);
  if (inTissue <= 0) return 0;
  const across = x / halfWidth;
  const tissue = TISSUE * Math.sqrt(1 - across * across) * smoothstep(0, 0.05, inTissue);
  const femur = y < 0.1 ? femurAt(anatomy, x, y, soft) : 0;
  const tibia = y > -0.2 ? tibiaAt(anatomy, x, y, soft) : 0;
  const fibula = y > 0.2 && x > 0.3 ? fibulaAt(anatomy, x, y, soft) : 0;
  const bone = Math.max(femur, tibia) + 0.55 * fibula + patellaAt(anatomy, x, y);
  if (bone < 0.02) return tissue + bone;
  const strands = trabeculaeAt(x + anatomy.textureX, y + anatomy.textureY);
  return tissue + bone + TEXTURE * strands * Math.min(bone / BONE, 1);
}

function femurAt(anatomy: Anatomy, x: number, y: number, soft: number): number {
  const along = x - anatomy.lean * y;
  const halfWidth = along < 0 ? anatomy.femurMedial.at(y) : anatomy.femurLateral.at(y);
  const beyondSide = Math.abs(along) - halfWidth;
  if (beyondSide > soft) return 0;
  const beyondEnd = y - anatomy.femurEnd.at(x);
  const { notch } = anatomy;
  const intoNotch = notch.radius - Math.hypot(x - notch.x, Math.min(y - notch.roof, 0));
  const distance = smoothMax(smoothMax(beyondSide, beyondEnd, 0.06), intoNotch, 0.04);
  return boneAt(distance, -beyondEnd, anatomy.sclerosis, soft);
}

function tibiaAt(anatomy: Anatomy, x: number, y: number, soft: number): number {
  const halfWidth = x < 0 ? anatomy.tibiaMedial.at(y) : anatomy.tibiaLateral.at(y);
  const beyondSide = Math.abs(x) - halfWidth;
  if (beyondSide > soft) return 0;
  const beyondEnd = anatomy.tibiaEnd.at(x) - y;
  return boneAt(smoothMax(beyondSide, beyondEnd, 0.05), -beyondEnd, anatomy.sclerosis, soft);
}

function fibulaAt(anatomy: Anatomy, x: number, y: number, soft: number): number {
  const distance = Math.abs(x - anatomy.fibulaCenter.at(y)) - anatomy.fibulaHalfWidth.at(y);
  return boneAt(distance, 1, 0, soft);
}

/**
 * Bone is modeled as a tube: rays at its edge pass through more cortex, so the edge is brighter
 * than the middle. Under the joint surface is a bright plate, thicker and brighter with sclerosis.
 */
function boneAt(distance: number, depth: number, sclerosis: number, soft: number): number {
  if (distance > soft) return 0;
  const edge = smoothstep(soft, -soft, distance);
  const cortex = CORTEX * bump(distance + 0.025, 0.022);
  const plate = (0.06 + sclerosis) * bump(depth - 0.02, 0.035 + 0.15 * sclerosis);
  const middle = 0.82 + 0.18 * smoothstep(0.25, 0, -distance);
  return edge * (BONE * middle + Math.max(cortex, plate));
}

function patellaAt(anatomy: Anatomy, x: number, y: number): number {
  const { patella } = anatomy;
  const u = (x - patella.x) / patella.rx;
  const v = (y - patella.y) / patella.ry;
  const r = u * u + v * v;
  return r > 1.1 ? 0 : 0.06 * smoothstep(1.1, 0.7, r) + 0.018 * bump(r - 0.9, 0.08);
}
