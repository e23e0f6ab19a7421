import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['lib/', 'node_modules/', '*.mjs', 'style/index.js'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Lumino's signals take a method together with its `this`.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // Lumino's signals and JupyterLab's plugins are typed for callbacks that may return promises.
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      // A namespace merges with a class where JupyterLab's own pattern asks for it.
      '@typescript-eslint/no-namespace': 'off'
    }
  }
);
