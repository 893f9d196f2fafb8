// The ACLs of all rows of Order put together by the server itself. Prints how many rows there are, and how many seconds it took.
const start = Date.now();
let rows = 0;
db.Order.aggregate([{ $group: { _id: { r: '$_rperm', w: '$_wperm' }, n: { $sum: 1 } } }], { allowDiskUse: true }).forEach(acl => {
  rows += Number(acl.n);
});
print(`${rows} ${(Date.now() - start) / 1000}`);
