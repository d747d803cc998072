/** One line of the report of `gist doctor`. */
export interface DoctorCheck {
  name: string;
  found: boolean;
  /** Version, size or number; empty where there is none. */
  version: string;
  where: string;
  /** How to install it when it is missing; for optional parts, what it is for. */
  hint: string;
  /** GIST runs without it. */
  optional: boolean;
}
