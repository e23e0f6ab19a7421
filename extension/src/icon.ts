import { LabIcon } from '@jupyterlab/ui-components';

/** Three tasks in a row, the last one reached: a flow. */
export const flowIcon = new LabIcon({
  name: 'kestra-nb:flow',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M3 3h7v7H3z"/>
    <path d="M14 14h7v7h-7z"/>
    <path d="M12 5.5h4.5a2 2 0 0 1 2 2V12h-2V7.5H12z"/>
    <path d="M14.5 10.5h6l-3 3z"/>
  </g>
</svg>`
});

const inputsIcon = new LabIcon({
  name: 'kestra-nb:inputs',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M3 6h11v2H3zM3 16h5v2H3z"/>
    <path d="M17 3h2v8h-2zM11 13h2v8h-2z"/>
    <path d="M20 6h1v2h-1zM14 16h7v2h-7z"/>
  </g>
</svg>`
});

const skipIcon = new LabIcon({
  name: 'kestra-nb:skip',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 2c1.6 0 3 .5 4.200 1.400L6.400 16.200A7 7 0 0 1 12 5zm0 14c-1.600 0-3-.5-4.200-1.400l9.800-9.800A7 7 0 0 1 12 19z"/>
  </g>
</svg>`
});

/** What the roles of a cell look like in its toolbar. */
export const roleIcons = { parameters: inputsIcon, skip: skipIcon };
