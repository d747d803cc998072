/** What each figure means, in plain words. */

export interface Explanation {
  /** Beginning of the figure's name. */
  prefix: string;
  title: string;
  text: string;
  digits: number;
}

const SETS = 'between the synthetic images and';

/** The first whose prefix fits a figure's name explains it; the order is that of the table. */
export const EXPLANATIONS: Explanation[] = [
  {
    prefix: 'fd_effnetlite0.holdout',
    title: 'Fréchet distance to unseen real images',
    text: `Distance ${SETS} real images that training never saw. Lower is better.`,
    digits: 2,
  },
  {
    prefix: 'fd_effnetlite0.train_vs_holdout',
    title: 'Fréchet distance of two real sets',
    text: 'The same distance between the training images and the unseen ones: what a perfect generator could reach with so few images.',
    digits: 2,
  },
  {
    prefix: 'fd_effnetlite0.train',
    title: 'Fréchet distance to the training images',
    text: `Distance ${SETS} the images it was trained on. Where there are more of these than of unseen ones it comes out lower by that alone; for signs of copying compare the kernel distances, which do not depend on numbers.`,
    digits: 2,
  },
  {
    prefix: 'kid_effnetlite0.holdout',
    title: 'Kernel distance to unseen real images',
    text: 'Another distance (KID), unbiased even for few images; 0 means no difference was found, and it may fall slightly below. Lower is better.',
    digits: 4,
  },
  {
    prefix: 'kid_effnetlite0.train_vs_holdout',
    title: 'Kernel distance of two real sets',
    text: 'The kernel distance between training and unseen images, for comparison.',
    digits: 4,
  },
  {
    prefix: 'kid_effnetlite0.train',
    title: 'Kernel distance to the training images',
    text: 'The kernel distance to the images it was trained on. Much lower than to unseen images would be a sign of copying.',
    digits: 4,
  },
  {
    prefix: 'pr_effnetlite0.holdout.precision',
    title: 'Precision (unseen images)',
    text: 'Share of synthetic images that look like some real one. Higher is better, at most 1.',
    digits: 3,
  },
  {
    prefix: 'pr_effnetlite0.holdout.recall',
    title: 'Recall (unseen images)',
    text: 'Share of real images that some synthetic one looks like: variety. Higher is better, at most 1.',
    digits: 3,
  },
  {
    prefix: 'images.',
    title: 'Images measured',
    text: 'How many images of the set the figures stand on.',
    digits: 0,
  },
];

export function explain(figure: string): Explanation | undefined {
  return EXPLANATIONS.find(({ prefix }) => figure.startsWith(prefix));
}
