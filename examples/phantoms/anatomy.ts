/**
 * The shape of one knee, drawn at random for a grade of osteoarthritis.
 *
 * Knee space: the joint line is y = 0, y grows towards the foot, x towards the fibula (lateral);
 * one unit is about half of the image's shorter side. The signs of each grade follow Kellgren and
 * Lawrence 1957, "Radiological assessment of osteo-arthrosis": osteophytes, narrowing of the joint
 * space, sclerosis of the bone under the cartilage, deformed bone ends.
 */
import type { RandomStream } from '../../src/core/random.js';
import { Curve } from './curve.js';
import { bump, smoothstep } from './shade.js';

/** Kellgren-Lawrence grade: 0 none, 1 doubtful, 2 minimal, 3 moderate, 4 severe. */
export type Grade = 0 | 1 | 2 | 3 | 4;

/** What a grade looks like on average, lengths in knee-space units. */
interface Signs {
  /** Height of the joint space on the medial and on the lateral side. */
  medialGap: number;
  lateralGap: number;
  /** How far osteophytes stick out of the margins. */
  osteophyte: number;
  /** Extra brightness of the bone under the joint surface. */
  sclerosis: number;
  /** Amplitude of the unevenness of the joint surfaces. */
  roughness: number;
}

const SIGNS: Record<Grade, Signs> = {
  0: { medialGap: 0.155, lateralGap: 0.165, osteophyte: 0, sclerosis: 0.06, roughness: 0.002 },
  1: { medialGap: 0.135, lateralGap: 0.155, osteophyte: 0.025, sclerosis: 0.08, roughness: 0.004 },
  2: { medialGap: 0.105, lateralGap: 0.14, osteophyte: 0.06, sclerosis: 0.13, roughness: 0.007 },
  3: { medialGap: 0.06, lateralGap: 0.115, osteophyte: 0.095, sclerosis: 0.2, roughness: 0.012 },
  4: { medialGap: 0.012, lateralGap: 0.075, osteophyte: 0.14, sclerosis: 0.28, roughness: 0.018 },
};

/** The contours of one knee; all lengths in knee-space units. */
export interface Anatomy {
  /** Lower surface of the femur and upper surface of the tibia, y as functions of x. */
  femurEnd: Curve;
  tibiaEnd: Curve;
  /** Half-widths as functions of y; medial is x < 0. */
  femurMedial: Curve;
  femurLateral: Curve;
  tibiaMedial: Curve;
  tibiaLateral: Curve;
  fibulaCenter: Curve;
  fibulaHalfWidth: Curve;
  tissueHalfWidth: Curve;
  /** Lean of the femur against the tibia, x per y. */
  lean: number;
  /** The notch between the condyles: a vertical slot with a round roof. */
  notch: { x: number; roof: number; radius: number };
  patella: { x: number; y: number; rx: number; ry: number };
  sclerosis: number;
  /** Where this knee's bone texture begins in the endless tile. */
  textureX: number;
  textureY: number;
}

/** Draws a knee of the given grade. */
export function drawAnatomy(random: RandomStream, grade: Grade): Anatomy {
  const signs = vary(random, SIGNS[grade]);
  const condyle = 0.62 * (1 + 0.04 * random.normal());
  const shaft = 0.3 * (1 + 0.05 * random.normal());
  const plateau = condyle * (1.0 + 0.015 * random.normal());
  const shin = shaft * (0.98 + 0.04 * random.normal());
  return {
    ...jointSurfaces(random, signs, condyle, plateau),
    femurMedial: femurSide(random, condyle, shaft, signs.osteophyte),
    femurLateral: femurSide(random, condyle * 0.98, shaft, 0.7 * signs.osteophyte),
    tibiaMedial: tibiaSide(random, plateau, shin, signs.osteophyte),
    tibiaLateral: tibiaSide(random, plateau * 0.98, shin, 0.7 * signs.osteophyte),
    ...fibula(random, plateau),
    tissueHalfWidth: tissue(random),
    lean: 0.05 + 0.015 * random.normal(),
    notch: {
      x: 0.02 * random.normal(),
      roof: -0.2 + 0.02 * random.normal(),
      radius: 0.125 * (1 + 0.06 * random.normal()),
    },
    patella: {
      x: 0.04 * random.normal(),
      y: -0.46 + 0.04 * random.normal(),
      rx: 0.27 * (1 + 0.05 * random.normal()),
      ry: 0.3 * (1 + 0.05 * random.normal()),
    },
    sclerosis: signs.sclerosis,
    textureX: 50 * random.uniform(),
    textureY: 50 * random.uniform(),
  };
}

/** Neighboring grades overlap a little, as they do in practice. */
function vary(random: RandomStream, signs: Signs): Signs {
  return {
    medialGap: Math.max(0.004, signs.medialGap + 0.009 * random.normal()),
    lateralGap: Math.max(0.02, signs.lateralGap + 0.009 * random.normal()),
    osteophyte: signs.osteophyte * (1 + 0.18 * random.normal()),
    sclerosis: Math.max(0.02, signs.sclerosis * (1 + 0.15 * random.normal())),
    roughness: signs.roughness,
  };
}

function jointSurfaces(random: RandomStream, signs: Signs, condyle: number, plateau: number) {
  const femurRough = unevenness(random, signs.roughness);
  const tibiaRough = unevenness(random, signs.roughness);
  const spine = 0.1 + 0.012 * random.normal();
  const halfGap = (x: number) =>
    0.5 * (signs.medialGap + (signs.lateralGap - signs.medialGap) * smoothstep(-0.2, 0.2, x));
  const femurReach = condyle + 0.8 * signs.osteophyte;
  const tibiaReach = plateau + signs.osteophyte;
  return {
    femurEnd: new Curve((x) => -halfGap(x) - condyleRise(x, femurReach) + femurRough(x)),
    tibiaEnd: new Curve((x) => halfGap(x) + plateauDrop(x, tibiaReach) - spines(x, spine) + tibiaRough(x)),
  };
}

/** How far the lower contour of a condyle lies above its lowest point. */
function condyleRise(x: number, reach: number): number {
  const middle = 0.5 * reach;
  const t = Math.min(Math.abs((Math.abs(x) - middle) / (reach - middle)), 1);
  const beyond = Math.max(Math.abs(x) - reach, 0);
  return 0.2 * (1 - Math.sqrt(1 - 0.999 * t ** 2.4)) + 3 * beyond;
}

/** How far the plateau lies below the joint line: two shallow cups with rounded rims. */
function plateauDrop(x: number, reach: number): number {
  const t = Math.abs(x) / reach;
  const cup = 0.018 * bump(Math.abs(x) - 0.5 * reach, 0.14);
  return cup + 0.035 * smoothstep(0.82, 1, t) + 3 * Math.max(Math.abs(x) - reach, 0);
}

/** The two intercondylar spines, the medial one a little higher. */
function spines(x: number, height: number): number {
  return height * Math.max(bump(x + 0.06, 0.045), 0.85 * bump(x - 0.075, 0.045));
}

function femurSide(random: RandomStream, condyle: number, shaft: number, osteophyte: number): Curve {
  const flare = -0.58 + 0.03 * random.normal();
  return new Curve((y) => {
    const width = shaft + (condyle - shaft) * smoothstep(flare - 0.42, flare + 0.36, y);
    return width + osteophyte * bump(y + 0.13, 0.055);
  });
}

function tibiaSide(random: RandomStream, plateau: number, shin: number, osteophyte: number): Curve {
  const end = 0.62 + 0.04 * random.normal();
  return new Curve((y) => {
    const width = plateau - (plateau - shin) * smoothstep(0.14, end + 0.25, y);
    return width + osteophyte * bump(y - 0.08, 0.05);
  });
}

function fibula(random: RandomStream, plateau: number) {
  const head = 0.34 + 0.03 * random.normal();
  const center = plateau - 0.03 + 0.02 * random.normal();
  return {
    fibulaCenter: new Curve((y) => center - 0.09 * smoothstep(head, 1.3, y)),
    fibulaHalfWidth: new Curve((y) => {
      const cap = y < head ? -1 : Math.sqrt(Math.min((y - head) / 0.1, 1));
      return cap < 0 ? -0.2 : 0.115 * cap - 0.045 * smoothstep(head + 0.12, head + 0.4, y);
    }),
  };
}

function tissue(random: RandomStream): Curve {
  const width = 0.9 + 0.03 * random.normal();
  const thigh = 0.1 + 0.03 * random.normal();
  const calf = 0.05 + 0.02 * random.normal();
  return new Curve((y) => width + thigh * smoothstep(0, -1.3, y) + calf * smoothstep(0.1, 0.9, y));
}

/** A wavy line of the given amplitude: three waves of random phase. */
function unevenness(random: RandomStream, amplitude: number): (x: number) => number {
  const waves = [9, 17, 31].map((frequency) => ({ frequency, phase: 2 * Math.PI * random.uniform() }));
  return (x) => amplitude * waves.reduce((sum, w) => sum + Math.sin(w.frequency * x + w.phase), 0) * 0.8;
}
