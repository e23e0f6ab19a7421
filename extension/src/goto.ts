import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Follower } from './follower';
import type { ILocation } from './types';

/** Lead to a place in a notebook: the cell in view and active, the cursor on its line. */
export async function goTo(follower: Follower, place: ILocation): Promise<void> {
  const { panel } = follower;
  const index = cellIndex(panel, place);
  if (index < 0) {
    return;
  }
  const notebook = panel.content;
  follower.activate();
  notebook.activeCellIndex = index;
  notebook.deselectAll();
  await notebook.scrollToItem(index, 'smart');
  const cell = notebook.widgets[index];
  if (!cell) {
    return;
  }
  await cell.ready;
  const last = (cell.editor?.lineCount ?? 1) - 1;
  cell.editor?.setCursorPosition({ line: Math.min(place.line - 1, last), column: Math.max(place.column - 1, 0) });
  notebook.mode = 'edit';
  cell.editor?.focus();
}

function cellIndex(panel: NotebookPanel, place: ILocation): number {
  const cells = panel.content.widgets;
  if (place.cell_id !== null) {
    const byId = cells.findIndex(cell => cell.model.id === place.cell_id);
    if (byId >= 0) {
      return byId;
    }
  }
  return place.cell !== null && place.cell <= cells.length ? place.cell - 1 : -1;
}

/** Name a place as short as it stays clear. */
export function placeText(place: ILocation, trans: TranslationBundle): string {
  if (place.cell === null) {
    return place.path ? `${place.path}:${place.line}` : trans.__('line %1', place.line);
  }
  return place.line > 1 ? trans.__('cell %1, line %2', place.cell, place.line) : trans.__('cell %1', place.cell);
}
