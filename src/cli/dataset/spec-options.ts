/** Options of `gist dataset`: one for every key of `preprocess`, generated from its schema. */
import type { Command } from 'commander';
import { z } from 'zod';
import { SpecError } from '../../core/errors.js';
import { parseWith } from '../../spec/parse.js';
import { type PreprocessSpec, preprocessSchema } from '../../spec/preprocess.js';

/** A key of `preprocess` and its option. */
interface KeyOption {
  /** `['holdout', 'by']` */
  path: string[];
  flag: string;
  schema: z.ZodType;
}

/** Options whose names would otherwise be longer. */
const SHORT: Record<string, string> = { 'holdout.fraction': '--holdout' };

/** One option for each key, and for each key of a table of keys: `--holdout-by`. */
export const KEY_OPTIONS: readonly KeyOption[] = Object.entries(preprocessSchema.shape)
  .filter(([key]) => key !== 'source')
  .flatMap(([key, schema]) => {
    const inner = tableOf(schema as z.ZodType);
    if (!inner) return [optionOf([key], schema as z.ZodType)];
    return Object.entries(inner.shape).map(([name, leaf]) => optionOf([key, name], leaf as z.ZodType));
  });

function optionOf(path: string[], schema: z.ZodType): KeyOption {
  const flag = SHORT[path.join('.')] ?? `--${path.map(kebab).join('-')}`;
  return { path, flag, schema };
}

function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The schema under defaults and the like. */
function unwrapped(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return unwrapped(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable)
    return unwrapped(schema.unwrap() as z.ZodType);
  return schema;
}

function tableOf(schema: z.ZodType): z.ZodObject | null {
  const inner = unwrapped(schema);
  return inner instanceof z.ZodObject ? inner : null;
}

/** Adds the options to a command, all or only those of the given keys. */
export function addKeyOptions(command: Command, keys?: readonly string[]): void {
  for (const { path, flag, schema } of KEY_OPTIONS) {
    if (keys && !keys.includes(path[0] as string)) continue;
    const isFlag = unwrapped(schema) instanceof z.ZodBoolean;
    command.option(isFlag ? flag : `${flag} <${valueName(schema)}>`, helpOf(schema));
  }
}

/** What help shows as the value: the allowed words, or a kind. */
function valueName(schema: z.ZodType): string {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodEnum || inner instanceof z.ZodLiteral) return wordsOf(inner).join('|');
  return inner instanceof z.ZodNumber ? 'number' : 'value';
}

function wordsOf(schema: z.ZodEnum | z.ZodLiteral): string[] {
  return [...(schema instanceof z.ZodEnum ? schema.options : schema.values)].map(String);
}

/** Defaults are not set here: the schema sets them. */
function helpOf(schema: z.ZodType): string {
  const { description } = schema;
  const fallback = schema instanceof z.ZodDefault ? schema.def.defaultValue : null;
  const isTold = fallback !== null && fallback !== undefined && typeof fallback !== 'object';
  return [description, isTold ? `(default: ${JSON.stringify(fallback)})` : ''].filter(Boolean).join(' ');
}

/** Values of options by the names that commander gives them. */
export type OptionValues = Record<string, unknown>;

/**
 * The `preprocess` section that options describe. A value is JSON, text, or `key: value` for a
 * table of one key: `--labels 'csv: labels.csv'`.
 *
 * @throws SpecError that names the options and what they allow
 */
export function specOfOptions(source: string, options: OptionValues, defaults: object = {}): PreprocessSpec {
  const input: Record<string, unknown> = structuredClone({ ...defaults, source });
  for (const { path, flag, schema } of KEY_OPTIONS) {
    const given = options[attributeOf(flag)];
    if (given !== undefined) setAt(input, path, parsedValue(given, schema));
  }
  try {
    return parseWith(preprocessSchema, input);
  } catch (error) {
    throw error instanceof SpecError ? nameOptions(error) : error;
  }
}

/** The name that commander gives an option: `--holdout-by` is holdoutBy. */
function attributeOf(flag: string): string {
  return flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function setAt(target: Record<string, unknown>, [key, inner]: string[], value: unknown): void {
  if (key === undefined) return;
  if (inner === undefined) target[key] = value;
  else target[key] = { ...(target[key] as object | undefined), [inner]: value };
}

function parsedValue(given: unknown, schema: z.ZodType): unknown {
  if (typeof given !== 'string' || unwrapped(schema) instanceof z.ZodString) return given;
  const pair = /^(\w+):\s+(.*)$/s.exec(given);
  return pair ? { [pair[1] as string]: jsonOrText(pair[2] as string) } : jsonOrText(given);
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Says `--holdout-by` where the message says `holdout.by`. */
function nameOptions({ what }: SpecError): SpecError {
  const byKey = new Map(KEY_OPTIONS.map(({ path, flag }) => [path.join('.'), flag]));
  const named = what.replace(/^(\s*- )?([\w.]+): /gm, (text, bullet: string | undefined, key: string) => {
    // A key within the value of an option: `dicom.window.width`.
    const flag = byKey.get(key) ?? byKey.get(key.split('.').slice(0, -1).join('.'));
    return flag ? `${bullet ?? ''}${flag} (preprocess.${key}): ` : text;
  });
  return new SpecError({ what: named, hint: '`gist dataset build --help` lists the options.' });
}
