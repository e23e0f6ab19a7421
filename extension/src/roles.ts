import type { Cell, ICellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';

/** Cell tags that mean something for a flow: papermill's word for inputs, and what stays out of the script. */
export type Role = 'parameters' | 'skip';
export const ROLES: readonly Role[] = ['parameters', 'skip'];

export function isRole(value: unknown): value is Role {
  return ROLES.some(role => role === value);
}

function tagsOf(model: ICellModel): string[] {
  const tags: unknown = model.getMetadata('tags');
  return Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string') : [];
}

export function hasRole(model: ICellModel, role: Role): boolean {
  return tagsOf(model).includes(role);
}

/** Set or remove a cell's role; a cell has one role at most, and keeps its other tags. */
export function toggleRole(model: ICellModel, role: Role): void {
  const tags = tagsOf(model);
  const others = tags.filter(tag => !isRole(tag));
  const after = tags.includes(role) ? others : [...others, role];
  if (after.length > 0) {
    model.setMetadata('tags', after);
  } else {
    model.deleteMetadata('tags');
  }
}

/** Keep the role of every cell visible at its edge. */
export function showRoles(panel: NotebookPanel, label: (role: Role) => string, changed: () => void): void {
  const watched = new WeakSet<ICellModel>();
  const mark = (cell: Cell): void => {
    const role = cell.model.type === 'code' ? ROLES.find(item => hasRole(cell.model, item)) : undefined;
    if (role) {
      cell.node.dataset.kestraRole = role;
      cell.node.dataset.kestraLabel = label(role);
    } else {
      delete cell.node.dataset.kestraRole;
      delete cell.node.dataset.kestraLabel;
    }
  };
  const markAll = (): void => {
    for (const cell of panel.content.widgets) {
      mark(cell);
      if (!watched.has(cell.model)) {
        watched.add(cell.model);
        cell.model.metadataChanged.connect(() => {
          if (!cell.isDisposed) {
            mark(cell);
            changed();
          }
        });
      }
    }
  };
  void panel.context.ready.then(() => {
    if (!panel.isDisposed) {
      markAll();
      panel.content.model?.cells.changed.connect(() => {
        requestAnimationFrame(markAll);
      });
    }
  });
}
