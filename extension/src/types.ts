import type { PartialJSONObject, PartialJSONValue, ReadonlyPartialJSONObject } from '@lumino/coreutils';

// What the routes take and answer, as far as it is shown: kestra_nb.display.plain and kestra_nb.server.verbs, as JSON.

export interface ILocation {
  path: string;
  /** Position among all cells, from 1; null for a file beside the notebook. */
  cell: number | null;
  cell_id: string | null;
  line: number;
  column: number;
  /** The place as a person reads it. */
  text: string;
}

export interface IFinding {
  code: string;
  severity: 'error' | 'warning' | 'info';
  message: string;
  hint: string;
  location: ILocation | null;
}

export interface IImport {
  module: string;
  how: string;
  why: string;
  location: ILocation;
}

export interface IRequirement {
  name: string;
  requirement: string;
  version: string | null;
  evidence: string;
  why: string;
  imports: IImport[];
  attention: boolean;
}

export interface IExclusion {
  name: string;
  reason: string;
  location: ILocation | null;
}

export interface ILocalFile {
  path: string;
  location: ILocation;
}

export interface IInput {
  name: string;
  type: string;
  item_type: string | null;
  default: PartialJSONValue;
  required: boolean;
  location: ILocation;
}

export interface IStep {
  text: string;
  command: string;
}

export interface IPlan {
  strategy: string;
  title: string;
  fits: boolean;
  summary: string;
  conditions: string;
  reasons: string[];
  possible_if: string[];
  why_here: string;
  steps: IStep[];
  cost_text: string;
}

export interface IEnvironment {
  origin: string;
  python: string;
  platform: string;
  distributions: number;
}

/** Where a flow goes, as the contents manager names it. */
export interface IFlowPlace {
  folder: string;
  path: string;
  saved: boolean;
}

export interface IPlanAnswer {
  environment: IEnvironment;
  requirements: IRequirement[];
  unresolved: IRequirement[];
  excluded: IExclusion[];
  local_files: ILocalFile[];
  inputs: IInput[];
  findings: IFinding[];
  plans: IPlan[];
  /** The strategy that the flow is made with; null when none can be. */
  strategy: string | null;
  recommended: string | null;
  /** Why no flow can be made with what was chosen; empty when it can. */
  refused: string;
  lock_text: string;
  flow: IFlowPlace;
  /** Every option by name, as it stands after all layers. */
  settings: PartialJSONObject;
}

export interface IFile {
  path: string;
  text: string;
  purpose: string;
  upload: boolean;
}

export interface IDiffLine {
  kind: ' ' | '+' | '-' | '@';
  text: string;
}

export interface IPreviewAnswer {
  strategy: string;
  title: string;
  flow: IFlowPlace;
  yaml: string;
  files: IFile[];
  findings: IFinding[];
  /** Against the saved flow; empty when there is none or nothing differs. */
  difference: IDiffLine[];
  line_map: { yaml_first_line: number; script: (ILocation | null)[] };
}

export interface IExportAnswer {
  flow: IFlowPlace;
  written: string[];
  unchanged: string[];
  steps: IStep[];
  findings: IFinding[];
}

export interface IWhyAnswer {
  name: string;
  lines: string[];
  included: boolean;
}

export interface IOption {
  type: string;
  description: string;
  default: PartialJSONValue;
  enum?: string[];
}

export interface IAbout {
  version: string;
  probe: string;
  options: Record<string, IOption>;
}

export interface IAsk {
  path: string;
  notebook: ReadonlyPartialJSONObject;
  kernel: string;
  environment: PartialJSONValue;
  preferences: PartialJSONObject;
  options: PartialJSONObject;
}
