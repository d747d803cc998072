;; Resamples rows of 8-bit samples. The result of each row becomes a column, so that the second pass
;; over the transposed image is the same function.
;;
;; A weight has 22 fraction bits, as in Pillow: 16 high bits (signed) and 8 low bits, which are
;; multiplied separately, since the dot product has 16-bit factors.
(module
  (memory (export "memory") 1)
  (func (export "resampleRows")
    (param $source i32)   ;; address of the first sample of the first row
    (param $stride i32)   ;; bytes from one row to the next
    (param $rows i32)
    (param $firsts i32)   ;; address of [outputs] int32: offset of the first tap of each output
    (param $weights i32)  ;; address of [outputs, blocks, 2, 8] int16: high and low bits of 8 taps
    (param $blocks i32)
    (param $outputs i32)
    (param $target i32)   ;; address of the first output of the first row
    (param $pitch i32)    ;; bytes from one output to the next; the next row is at the next byte
    (local $x i32) (local $block i32) (local $tap i32) (local $weight i32) (local $out i32)
    (local $high v128) (local $low v128) (local $taps v128) (local $sum i32)
    (loop $row
      (local.set $x (i32.const 0))
      (local.set $weight (local.get $weights))
      (local.set $out (local.get $target))
      (loop $output
        (local.set $tap (i32.add (local.get $source)
          (i32.load (i32.add (local.get $firsts) (i32.shl (local.get $x) (i32.const 2))))))
        (local.set $high (v128.const i32x4 0 0 0 0))
        (local.set $low (v128.const i32x4 0 0 0 0))
        (local.set $block (local.get $blocks))
        (loop $dot
          (local.set $taps (v128.load8x8_u (local.get $tap)))
          (local.set $high (i32x4.add (local.get $high)
            (i32x4.dot_i16x8_s (local.get $taps) (v128.load (local.get $weight)))))
          (local.set $low (i32x4.add (local.get $low)
            (i32x4.dot_i16x8_s (local.get $taps) (v128.load offset=16 (local.get $weight)))))
          (local.set $tap (i32.add (local.get $tap) (i32.const 8)))
          (local.set $weight (i32.add (local.get $weight) (i32.const 32)))
          (br_if $dot (local.tee $block (i32.sub (local.get $block) (i32.const 1)))))
        (local.set $low (i32x4.add (i32x4.shl (local.get $high) (i32.const 8)) (local.get $low)))
        ;; Rounded to the nearest integer, and clipped to 0...255.
        (local.set $sum (i32.shr_s (i32.add (i32.const 2097152) (i32.add
          (i32.add (i32x4.extract_lane 0 (local.get $low)) (i32x4.extract_lane 1 (local.get $low)))
          (i32.add (i32x4.extract_lane 2 (local.get $low)) (i32x4.extract_lane 3 (local.get $low)))))
          (i32.const 22)))
        (local.set $sum (select (i32.const 0) (local.get $sum) (i32.lt_s (local.get $sum) (i32.const 0))))
        (i32.store8 (local.get $out)
          (select (i32.const 255) (local.get $sum) (i32.gt_s (local.get $sum) (i32.const 255))))
        (local.set $out (i32.add (local.get $out) (local.get $pitch)))
        (br_if $output (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (local.get $outputs))))
      (local.set $source (i32.add (local.get $source) (local.get $stride)))
      (local.set $target (i32.add (local.get $target) (i32.const 1)))
      (br_if $row (local.tee $rows (i32.sub (local.get $rows) (i32.const 1)))))))
