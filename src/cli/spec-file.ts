/** Reads a spec file and applies the changes of the command line. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parse as parseYaml } from 'yaml';
import { embeddedParts } from '../client/stack/parts.js';
import { DatasetError, SpecError, UsageError } from '../core/errors.js';
import { PIPELINE_WORKFLOW } from '../spec/controls.js';
import { parseSpec } from '../spec/parse.js';
import type { LabelsSpec } from '../spec/preprocess.js';
import type { PipelineSpec } from '../spec/pipeline.js';
import { parseUri } from '../storage/uri.js';
import { parseSweep, workflowOfSweep } from '../sweeps/kinds.js';

export interface SpecChanges {
  /** `train.kimg=200`: values are read as JSON where they are JSON, else as text. */
  set?: string[];
  stages?: string;
  from?: string;
  cache?: boolean;
}

/**
 * @throws UsageError for a missing file, SpecError for an invalid spec, DatasetError for a missing
 *   source
 */
export function readSpec(file: string, changes: SpecChanges): PipelineSpec {
  return changeSpec(readDocument(file), changes);
}

/**
 * A spec with changes of the command line, all defaults and an absolute source.
 *
 * @throws SpecError for an invalid spec, DatasetError for a missing source
 */
export function changeSpec(original: unknown, changes: SpecChanges): PipelineSpec {
  const document = changed(original, changes.set);
  if (changes.stages) document.stages = changes.stages.split(',').map((stage) => stage.trim());
  if (changes.from) document.from = jsonOrText(changes.from);
  if (changes.cache === false) document.cache = false;
  return withAbsolutePaths(parseSpec(document));
}

/**
 * The spec of a sweep, checked, with changes of the command line, all defaults and an absolute
 * source.
 *
 * @throws as {@link readSpec}
 */
export function readSweep(file: string, workflow: string, set?: string[]): SweepSpec {
  const spec = parseSweep(workflow, changed(readDocument(file), set)) as SweepSpec;
  return { ...spec, run: withAbsolutePaths(spec.run) };
}

/** A run or a sweep, and the workflow that takes it. @throws as {@link readSpec} */
export function readWork(file: string, set?: string[]): { workflow: string; spec: { name: string } } {
  const document = readDocument(file);
  if (!('run' in document)) return { workflow: PIPELINE_WORKFLOW, spec: readSpec(file, { set }) };
  const workflow = workflowOfSweep(document);
  return { workflow, spec: readSweep(file, workflow, set) };
}

/** What all sweeps have. */
export type SweepSpec = { name: string; run: PipelineSpec };

function changed(original: unknown, set: string[] = []): Record<string, unknown> {
  const document = structuredClone(original) as Record<string, unknown>;
  for (const change of set) applySet(document, change);
  return document;
}

function withAbsolutePaths(spec: PipelineSpec): PipelineSpec {
  if (!spec.preprocess) return spec;
  const labels = absoluteLabels(spec.preprocess.labels);
  return { ...spec, preprocess: { ...spec.preprocess, source: absoluteSource(spec), labels } };
}

/** A file of labels that is here becomes absolute; another one may be in the source. */
function absoluteLabels(labels: LabelsSpec): LabelsSpec {
  const absolute = (address: string) => {
    const location = parseUri(address);
    const isHere = location.scheme === 'file' && existsSync(location.path);
    return isHere ? pathToFileURL(location.path).href : address;
  };
  if (typeof labels === 'string') return labels;
  if ('csv' in labels) return { ...labels, csv: absolute(labels.csv) };
  return 'json' in labels ? { json: absolute(labels.json) } : labels;
}

function readDocument(file: string): Record<string, unknown> {
  if (!existsSync(file)) {
    throw new UsageError({
      what: `there is no file ${file}`,
      hint: 'Give the path of a JSON or YAML spec; examples/ has some.',
    });
  }
  if (statSync(file).isDirectory())
    throw new UsageError({ what: `${file} is a folder`, hint: 'Name the JSON or YAML file of the spec.' });
  const text = readText(file);
  let document: unknown;
  try {
    document = parseYaml(text);
  } catch (error) {
    const words = error instanceof Error ? error.message.split('\n')[0] : '';
    throw new SpecError({
      what: `is neither JSON nor YAML (${words})`,
      where: file,
      hint: 'Correct the line that is named.',
    });
  }
  if (document === null || typeof document !== 'object' || Array.isArray(document)) {
    throw new SpecError({
      what: 'is not a spec: a table of keys was expected',
      where: file,
      hint: 'Start from a file in examples/.',
    });
  }
  return document as Record<string, unknown>;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new UsageError({ what: `${file} cannot be read`, hint: 'Change its permissions.', cause });
  }
}

function applySet(document: Record<string, unknown>, change: string): void {
  const at = change.indexOf('=');
  if (at < 1)
    throw new UsageError({ what: `--set ${change} has no value`, hint: 'Write --set train.kimg=200.' });
  const keys = change.slice(0, at).split('.');
  const forbidden = keys.find((key) => ['', '__proto__', 'constructor', 'prototype'].includes(key));
  if (forbidden !== undefined)
    throw new UsageError({ what: `--set cannot change "${forbidden}"`, hint: 'Write --set train.kimg=200.' });
  const last = keys.pop() as string;
  let target = document;
  for (const key of keys) {
    const inner = target[key];
    target[key] = inner !== null && typeof inner === 'object' ? inner : {};
    target = target[key] as Record<string, unknown>;
  }
  target[last] = jsonOrText(change.slice(at + 1));
}

/** A setting as in `train.gamma=4,train.batch=16`. */
export function readSetting(text: string): Record<string, unknown> {
  const entries = text.split(',').map((part) => {
    const at = part.indexOf('=');
    if (at < 1)
      throw new UsageError({
        what: `--setting ${text} has no value at "${part}"`,
        hint: 'Write --setting train.gamma=4,train.batch=16.',
      });
    return [part.slice(0, at).trim(), jsonOrText(part.slice(at + 1))] as const;
  });
  return Object.fromEntries(entries);
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Makes a local source absolute: workers run in other folders. Workers of another machine may have
 * folders that this one lacks.
 */
function absoluteSource({ stages, preprocess }: PipelineSpec): string {
  const source = preprocess?.source ?? '';
  const location = parseUri(source);
  if (location.scheme === 's3') return source;
  const absolute = location.path;
  const isReadHere = stages.includes('preprocess') && embeddedParts().includes('worker');
  if (isReadHere && !existsSync(absolute)) {
    throw new DatasetError({
      what: `there is no folder or .zip ${absolute}`,
      where: 'preprocess.source',
      hint: 'Correct the path.',
    });
  }
  return pathToFileURL(absolute).href;
}
