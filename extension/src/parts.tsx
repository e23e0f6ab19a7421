import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { PartialJSONObject, PartialJSONValue } from '@lumino/coreutils';
import React from 'react';

import { placeText } from './goto';
import type {
  IExclusion,
  IFinding,
  IInput,
  ILocalFile,
  ILocation,
  IOption,
  IPlan,
  IPlanAnswer,
  IRequirement
} from './types';

/** What a part may ask for. */
export interface IActions {
  show: (place: ILocation) => void;
  choose: (choices: Record<string, PartialJSONValue>) => void;
  why: (name: string) => void;
}

interface IPart {
  trans: TranslationBundle;
  actions: IActions;
}

export function Section(props: {
  title: string;
  note?: string;
  children: React.ReactNode;
  name: string;
}): React.ReactElement {
  return (
    <details className="kestra-Section" data-part={props.name} open>
      <summary>
        <span className="kestra-Section-title">{props.title}</span>
        {props.note ? <span className="kestra-Note">{props.note}</span> : null}
      </summary>
      <div className="kestra-Section-body">{props.children}</div>
    </details>
  );
}

export function PlaceLink({ place, trans, actions }: IPart & { place: ILocation }): React.ReactElement {
  const text = placeText(place, trans);
  if (place.cell === null) {
    return <span className="kestra-Place">{text}</span>;
  }
  return (
    <button
      className="kestra-Place kestra-Link"
      title={trans.__('Show this cell')}
      onClick={() => {
        actions.show(place);
      }}
    >
      {text}
    </button>
  );
}

export function Requirements(
  props: IPart & { answer: IPlanAnswer; options: Record<string, IOption>; choices: PartialJSONObject }
): React.ReactElement {
  const { answer, trans } = props;
  const waiting = new Set(answer.unresolved.map(item => item.name));
  const attention = answer.requirements.filter(item => item.attention).length;
  return (
    <Section
      name="requirements"
      title={trans.__('Requirements (%1)', answer.requirements.length)}
      {...(attention > 0 ? { note: trans._n('%1 needs attention', '%1 need attention', attention) } : {})}
    >
      {answer.requirements.length === 0 ? (
        <p className="kestra-Empty">{trans.__('Only the standard library.')}</p>
      ) : null}
      <ul className="kestra-List">
        {answer.requirements.map(item => (
          <Requirement
            key={item.name}
            {...props}
            item={item}
            accept={waiting.has(item.name) ? [...asList(answer.settings.accept), item.name] : null}
          />
        ))}
      </ul>
      <LocalFiles {...props} files={answer.local_files} />
      <Exclusions {...props} excluded={answer.excluded} />
      <p className="kestra-Hint">{answer.lock_text}</p>
      <label className="kestra-Check" title={props.options.lock?.description}>
        <input
          type="checkbox"
          name="lock"
          checked={(props.choices.lock ?? answer.settings.lock) === true}
          onChange={event => {
            props.actions.choose({ lock: event.target.checked });
          }}
        />
        {trans.__('Resolve for the target with uv')}
      </label>
    </Section>
  );
}

function Requirement(props: IPart & { item: IRequirement; accept: string[] | null }): React.ReactElement {
  const { item, trans, actions, accept } = props;
  const places = item.imports.slice(0, 3);
  return (
    <li className={item.attention ? 'kestra-Row kestra-mod-attention' : 'kestra-Row'} data-name={item.name}>
      <div className="kestra-Row-main">
        <button
          className="kestra-Name kestra-Link"
          title={trans.__('Why is this here?')}
          onClick={() => {
            actions.why(item.name);
          }}
        >
          {item.requirement}
        </button>
        <span className="kestra-Badge" data-evidence={item.evidence}>
          {evidence(item, trans)}
        </span>
      </div>
      <div className="kestra-Row-more">
        {places.map((one, index) => (
          <span key={index}>
            <code>{one.why || one.module}</code> <PlaceLink {...props} place={one.location} />
          </span>
        ))}
        {item.imports.length > places.length ? (
          <span>{trans.__('and %1 more', item.imports.length - places.length)}</span>
        ) : null}
        {item.imports.length === 0 || item.attention ? <span>{item.why}</span> : null}
        {accept ? (
          <button
            className="jp-Button jp-mod-styled jp-mod-minimal kestra-Accept"
            title={trans.__('Take %1 for the right distribution', item.name)}
            onClick={() => {
              actions.choose({ accept });
            }}
          >
            {trans.__('Accept')}
          </button>
        ) : null}
      </div>
    </li>
  );
}

function evidence(item: IRequirement, trans: TranslationBundle): string {
  const texts: Record<string, string> = {
    installed: trans.__('installed'),
    declared: trans.__('declared'),
    table: trans.__('not installed'),
    guess: trans.__('guessed')
  };
  return texts[item.evidence] ?? item.evidence;
}

function LocalFiles(props: IPart & { files: ILocalFile[] }): React.ReactElement | null {
  const { files, trans } = props;
  if (files.length === 0) {
    return null;
  }
  return (
    <p className="kestra-Hint" data-part="local-files">
      {trans.__('Files that go with it:')} {files.map(file => file.path).join(', ')}
    </p>
  );
}

function Exclusions(props: IPart & { excluded: IExclusion[] }): React.ReactElement | null {
  const { excluded, trans } = props;
  if (excluded.length === 0) {
    return null;
  }
  return (
    <details className="kestra-Excluded">
      <summary>{trans.__('Left out (%1)', excluded.length)}</summary>
      <ul className="kestra-List">
        {excluded.map((item, index) => (
          <li key={index}>
            <code>{item.name}</code> {item.reason}{' '}
            {item.location ? <PlaceLink {...props} place={item.location} /> : null}
          </li>
        ))}
      </ul>
    </details>
  );
}

export function Strategies(props: IPart & { answer: IPlanAnswer; choices: PartialJSONObject }): React.ReactElement {
  const { answer, trans } = props;
  const { strategy } = props.choices;
  const chosen = typeof strategy === 'string' ? strategy : answer.strategy;
  const fitting = answer.plans.filter(plan => plan.fits).length;
  return (
    <Section
      name="strategies"
      title={trans.__('Strategies')}
      note={trans.__('%1 of %2 fit', fitting, answer.plans.length)}
    >
      {answer.refused ? (
        <p className="kestra-Banner" role="alert">
          {answer.refused}
        </p>
      ) : null}
      <div role="radiogroup" aria-label={trans.__('Strategy')}>
        {answer.plans.map(plan => (
          <Strategy key={plan.strategy} {...props} plan={plan} chosen={chosen} />
        ))}
      </div>
    </Section>
  );
}

function Strategy(props: IPart & { answer: IPlanAnswer; plan: IPlan; chosen: string | null }): React.ReactElement {
  const { answer, plan, trans, actions } = props;
  const chosen = plan.strategy === props.chosen;
  const classes = ['kestra-Plan', chosen ? 'kestra-mod-chosen' : '', plan.fits ? '' : 'kestra-mod-refused'];
  return (
    <label className={classes.filter(Boolean).join(' ')} data-strategy={plan.strategy}>
      <input
        type="radio"
        name="kestra-strategy"
        checked={chosen}
        disabled={!plan.fits}
        onChange={() => {
          actions.choose({ strategy: plan.strategy });
        }}
      />
      <span className="kestra-Plan-text">
        <span className="kestra-Plan-title">
          {plan.title}
          {plan.strategy === answer.recommended ? (
            <span className="kestra-Badge">{trans.__('recommended')}</span>
          ) : null}
        </span>
        {plan.fits ? (
          <>
            <span>{plan.summary}</span>
            <span className="kestra-Cost">{plan.cost_text}</span>
            {chosen ? <PlanDetails plan={plan} /> : null}
          </>
        ) : (
          <Lines lines={[...plan.reasons, ...plan.possible_if.map(item => trans.__('Possible if %1.', item))]} />
        )}
      </span>
    </label>
  );
}

function PlanDetails({ plan }: { plan: IPlan }): React.ReactElement {
  return (
    <>
      <Lines lines={[plan.conditions, ...plan.reasons, plan.why_here].filter(Boolean)} />
      {plan.steps.length > 0 ? (
        <ol className="kestra-Steps">
          {plan.steps.map((step, index) => (
            <li key={index}>
              {step.text} {step.command ? <code>{step.command}</code> : null}
            </li>
          ))}
        </ol>
      ) : null}
    </>
  );
}

function Lines({ lines }: { lines: string[] }): React.ReactElement {
  return (
    <span className="kestra-Lines">
      {lines.map((line, index) => (
        <span key={index}>{line}</span>
      ))}
    </span>
  );
}

/** Options of the flow that a person sets most. */
const FIELDS: readonly string[] = ['id', 'namespace', 'out', 'schedule', 'timezone'];

export function FlowFields(
  props: IPart & { answer: IPlanAnswer; options: Record<string, IOption> }
): React.ReactElement {
  const { answer, options, trans, actions } = props;
  const labels: Record<string, string> = {
    id: trans.__('Id'),
    namespace: trans.__('Namespace'),
    out: trans.__('Folder'),
    schedule: trans.__('Schedule'),
    timezone: trans.__('Time zone')
  };
  return (
    <Section name="flow" title={trans.__('Flow')}>
      <div className="kestra-Fields">
        {FIELDS.filter(name => name in options).map(name => (
          <Field
            key={name}
            name={name}
            label={labels[name] ?? name}
            help={options[name]?.description ?? ''}
            placeholder={name === 'id' ? PathExt.basename(answer.flow.path, '.yaml') : ''}
            value={asText(answer.settings[name])}
            commit={value => {
              actions.choose({ [name]: value === '' ? (options[name]?.default ?? '') : value });
            }}
          />
        ))}
      </div>
      <p className="kestra-Hint">
        {answer.flow.saved
          ? trans.__('Saved in %1', answer.flow.path)
          : trans.__('Would be saved in %1', answer.flow.path)}
      </p>
    </Section>
  );
}

interface IField {
  name: string;
  label: string;
  help: string;
  placeholder: string;
  value: string;
  commit: (value: string) => void;
}

function Field(props: IField): React.ReactElement {
  const [text, setText] = React.useState(props.value);
  React.useEffect(() => {
    setText(props.value);
  }, [props.value]);
  const commit = (): void => {
    if (text.trim() !== props.value) {
      props.commit(text.trim());
    }
  };
  return (
    <label className="kestra-Field" title={props.help}>
      <span>{props.label}</span>
      <input
        className="jp-mod-styled"
        name={props.name}
        placeholder={props.placeholder}
        value={text}
        spellCheck={false}
        onChange={event => {
          setText(event.target.value);
        }}
        onBlur={commit}
        onKeyDown={event => {
          if (event.key === 'Enter') {
            commit();
          }
        }}
      />
    </label>
  );
}

function asList(value: PartialJSONValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

function asText(value: PartialJSONValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

export function Inputs(props: IPart & { inputs: IInput[] }): React.ReactElement {
  const { inputs, trans } = props;
  return (
    <Section name="inputs" title={trans.__('Inputs (%1)', inputs.length)}>
      {inputs.length === 0 ? (
        <p className="kestra-Empty">
          {trans.__('Give a cell the role "parameters" and its names become inputs of the flow.')}
        </p>
      ) : (
        <ul className="kestra-List">
          {inputs.map(item => (
            <li key={item.name} className="kestra-Row" data-name={item.name}>
              <div className="kestra-Row-main">
                <span className="kestra-Name">{item.name}</span>
                <span className="kestra-Badge">{item.item_type ? `${item.type} of ${item.item_type}` : item.type}</span>
              </div>
              <div className="kestra-Row-more">
                <code>{item.default === null ? trans.__('no default') : JSON.stringify(item.default)}</code>
                <PlaceLink {...props} place={item.location} />
              </div>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

export function Findings(props: IPart & { findings: IFinding[] }): React.ReactElement {
  const { findings, trans } = props;
  const count = (severity: string): number => findings.filter(item => item.severity === severity).length;
  const errors = count('error');
  return (
    <Section
      name="findings"
      title={trans.__('Findings (%1)', findings.length)}
      {...(errors > 0 ? { note: trans._n('%1 error', '%1 errors', errors) } : {})}
    >
      {findings.length === 0 ? <p className="kestra-Empty">{trans.__('Nothing to report.')}</p> : null}
      <ul className="kestra-List">
        {findings.map((item, index) => (
          <li key={index} className="kestra-Finding" data-severity={item.severity} data-code={item.code}>
            <span className="kestra-Finding-head">
              <span className="kestra-Badge" data-severity={item.severity}>
                {item.severity}
              </span>
              <code>{item.code}</code>
              {item.location ? <PlaceLink {...props} place={item.location} /> : null}
            </span>
            <span>
              {item.message} {item.hint}
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
