/**
 * Parses a spec. Each error names the key, the given value, the allowed values and the closest
 * allowed one.
 */
import { z } from 'zod';
import { SpecError } from '../core/errors.js';
import { nearest } from './nearest.js';
import { type PipelineSpec, pipelineSchema } from './pipeline.js';

/**
 * The spec with all defaults filled in.
 *
 * @throws SpecError that lists all invalid keys.
 */
export function parseSpec(input: unknown): PipelineSpec {
  return parseWith(pipelineSchema, input);
}

/** Like {@link parseSpec}, for any schema of the spec. */
export function parseWith<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const lines = describeIssues(parsed.error, input, schema);
  throw new SpecError({
    what:
      lines.length === 1
        ? (lines[0] as string)
        : `${lines.length} problems:\n${lines.map((l) => `  - ${l}`).join('\n')}`,
    hint: 'See docs/spec.schema.json or `gist run --help` for the keys of a spec.',
  });
}

/** What is wrong with a document: one line for each key; none: nothing. */
export function problemsOf(schema: z.ZodType, input: unknown): string[] {
  const parsed = schema.safeParse(input);
  return parsed.success ? [] : describeIssues(parsed.error, input, schema);
}

function describeIssues({ issues }: z.ZodError, input: unknown, schema: z.ZodType): string[] {
  return issues.flatMap((issue) => describeIssue(issue, input, schema));
}

type Path = readonly PropertyKey[];

function describeIssue(issue: z.core.$ZodIssue, input: unknown, schema: z.ZodType): string[] {
  if (issue.code === 'unrecognized_keys') {
    const allowed = keysAt(schema, issue.path);
    return issue.keys.map((key) => describeUnknownKey([...issue.path, key], key, allowed));
  }
  if (issue.code === 'invalid_union') {
    const branch = closestBranch(issue.errors);
    if (branch)
      return branch.flatMap((inner) =>
        describeIssue({ ...inner, path: [...issue.path, ...inner.path] }, input, schema),
      );
  }
  // The value of a refused key is not shown: it may be that of a patient.
  const given = issue.code === 'invalid_key' ? '' : formatGiven(input, issue.path);
  return [`${formatPath(issue.path)}: ${describeRequirement(issue)}${given}${suggest(issue, input)}`];
}

/**
 * The branch of a union that the input most likely belongs to: its type matches, and only inner
 * keys fail.
 */
function closestBranch(
  branches: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | undefined {
  return branches.find((issues) =>
    issues.every(
      (issue) => issue.path.length > 0 || issue.code === 'unrecognized_keys' || issue.code === 'custom',
    ),
  );
}

function describeUnknownKey(path: Path, key: string, allowed: string[]): string {
  const meant = nearest(key, allowed);
  const hint = meant ? `; did you mean "${meant}"?` : '';
  return `${formatPath(path)}: unknown key${hint} (allowed: ${allowed.join(', ')})`;
}

function describeRequirement(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value')
    return `must be ${issue.values.map((v) => JSON.stringify(v)).join(' or ')}`;
  if (issue.code === 'invalid_union') return describeAlternatives(issue);
  if (issue.code === 'invalid_key' && issue.issues[0]) return describeRequirement(issue.issues[0]);
  return issue.message.replace(/^Invalid input: /, '').replace(/^Too (small|big): /, '');
}

/** What each alternative asks for. Faults deeper within one have messages of their own. */
function describeAlternatives({ errors }: z.core.$ZodIssueInvalidUnion): string {
  const requirements = errors.flatMap(([first]) =>
    first && first.path.length === 0 ? [allowedBy(describeRequirement(first))] : [],
  );
  if (requirements.length === 0) return 'has a value of the wrong type';
  return `must be ${[...new Set(requirements)].join(' or ')}`;
}

/** `must be "auto"` and `expected number, received string` as what follows "must be". */
function allowedBy(requirement: string): string {
  const [, type] = /^expected (\w+), received \w+$/.exec(requirement) ?? [];
  if (type) return `${/^[aeio]/.test(type) ? 'an' : 'a'} ${type}`;
  return requirement.replace(/^must be /, '');
}

function formatGiven(input: unknown, path: Path): string {
  const value = valueAt(input, path);
  if (value === undefined) return '';
  const text = JSON.stringify(value) ?? typeof value;
  return `, given ${text.length > 80 ? `${text.slice(0, 77)}...` : text}`;
}

function suggest(issue: z.core.$ZodIssue, input: unknown): string {
  const value = valueAt(input, issue.path);
  if (issue.code !== 'invalid_value' || typeof value !== 'string') return '';
  const meant = nearest(value, issue.values.map(String));
  return meant ? `; did you mean "${meant}"?` : '';
}

function formatPath(path: Path): string {
  if (path.length === 0) return 'spec';
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i ? '.' : ''}${String(part)}`))
    .join('');
}

function valueAt(input: unknown, path: Path): unknown {
  let value = input;
  for (const part of path) {
    if (value === null || typeof value !== 'object') return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

/** Keys of the object schema at a path. Unwraps defaults, optionals and unions. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  let current: z.core.$ZodType[] = [schema];
  for (const part of path)
    current = current
      .flatMap(objectsWithin)
      .map((object) => object.shape[String(part)])
      .filter((s) => s !== undefined);
  return current
    .flatMap(objectsWithin)
    .flatMap((object) => Object.keys(object.shape))
    .filter((key) => key !== '$schema');
}

function objectsWithin(schema: z.core.$ZodType): z.ZodObject[] {
  if (schema instanceof z.ZodObject) return [schema];
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(objectsWithin);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable)
    return objectsWithin(schema.unwrap());
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return objectsWithin(schema.unwrap());
  return [];
}
