// A loop of mongosh over all rows of Order. Prints how many there are, and how many seconds it took.
const start = Date.now();
let rows = 0;
let open = 0;
let written = 0;
db.Order.find({}, { _rperm: 1, _wperm: 1 }).batchSize(10000).forEach(row => {
  rows += 1;
  if (!row._rperm || row._rperm.includes('*')) open += 1;
  if (!row._wperm || row._wperm.includes('*')) written += 1;
});
print(`${rows} ${(Date.now() - start) / 1000}`);
