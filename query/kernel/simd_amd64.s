#include "textflag.h"

// SELECT8 appends to (DI) the positions of the set bits of the byte in BX: (R8) has for each byte the
// numbers of its bits, X2 the position of bit 0 as 8 words, X3 eights.
#define SELECT8 \
	POPCNTL BX, DX         \
	SHLQ    $4, BX         \
	VPADDW  (R8)(BX*1), X2, X7 \
	VMOVDQU X7, (DI)       \
	LEAQ    (DI)(DX*2), DI \
	VPADDW  X3, X2, X2

// SELECTINIT loads the arguments of the selections.
#define SELECTINIT \
	MOVQ v+0(FP), SI       \
	MOVQ n+8(FP), CX       \
	MOVQ lo+16(FP), AX     \
	VMOVQ AX, X0           \
	MOVQ span+24(FP), AX   \
	VMOVQ AX, X1           \
	MOVQ out+32(FP), DI    \
	MOVQ bits+40(FP), R8   \
	VPXOR X2, X2, X2       \
	MOVQ $8, AX            \
	VMOVQ AX, X3           \
	VPBROADCASTW X3, X3

// SELECTEND returns how many positions were written.
#define SELECTEND \
	SUBQ out+32(FP), DI    \
	SHRQ $1, DI            \
	MOVQ DI, k+48(FP)      \
	VZEROUPPER             \
	RET

// WIDENINIT loads the arguments of the widenings.
#define WIDENINIT \
	MOVQ dst+0(FP), DI     \
	MOVQ v+8(FP), SI       \
	MOVQ n+16(FP), CX      \
	MOVQ base+24(FP), AX   \
	VMOVQ AX, X0           \
	VPBROADCASTQ X0, Y0

// WIDENSTORE adds the base to 16 values and stores them.
#define WIDENSTORE \
	VPADDQ  Y0, Y1, Y1     \
	VPADDQ  Y0, Y2, Y2     \
	VPADDQ  Y0, Y3, Y3     \
	VPADDQ  Y0, Y4, Y4     \
	VMOVDQU Y1, (DI)       \
	VMOVDQU Y2, 32(DI)     \
	VMOVDQU Y3, 64(DI)     \
	VMOVDQU Y4, 96(DI)     \
	ADDQ    $128, DI

// func selectRange8(v unsafe.Pointer, n int, lo, span uint64, out *uint16, bits *bitPositions) (k int)
TEXT ·selectRange8(SB), NOSPLIT, $0-56
	SELECTINIT
	VPBROADCASTB X0, Y0
	VPBROADCASTB X1, Y1

loop8:
	VMOVDQU   (SI), Y4
	VPSUBB    Y0, Y4, Y4
	VPMINUB   Y1, Y4, Y5
	VPCMPEQB  Y4, Y5, Y5
	VPMOVMSKB Y5, AX
	MOVBLZX   AX, BX
	SELECT8
	SHRL      $8, AX
	MOVBLZX   AX, BX
	SELECT8
	SHRL      $8, AX
	MOVBLZX   AX, BX
	SELECT8
	SHRL      $8, AX
	MOVL      AX, BX
	SELECT8
	ADDQ      $32, SI
	SUBQ      $32, CX
	JNZ       loop8
	SELECTEND

// func selectRange16(v unsafe.Pointer, n int, lo, span uint64, out *uint16, bits *bitPositions) (k int)
TEXT ·selectRange16(SB), NOSPLIT, $0-56
	SELECTINIT
	VPBROADCASTW X0, Y0
	VPBROADCASTW X1, Y1

loop16:
	VMOVDQU      (SI), Y4
	VPSUBW       Y0, Y4, Y4
	VPMINUW      Y1, Y4, Y5
	VPCMPEQW     Y4, Y5, Y5
	VEXTRACTI128 $1, Y5, X6
	VPACKSSWB    X6, X5, X5
	VPMOVMSKB    X5, AX
	MOVBLZX      AX, BX
	SELECT8
	SHRL         $8, AX
	MOVL         AX, BX
	SELECT8
	ADDQ         $32, SI
	SUBQ         $16, CX
	JNZ          loop16
	SELECTEND

// func selectRange32(v unsafe.Pointer, n int, lo, span uint64, out *uint16, bits *bitPositions) (k int)
TEXT ·selectRange32(SB), NOSPLIT, $0-56
	SELECTINIT
	VPBROADCASTD X0, Y0
	VPBROADCASTD X1, Y1

loop32:
	VMOVDQU   (SI), Y4
	VPSUBD    Y0, Y4, Y4
	VPMINUD   Y1, Y4, Y5
	VPCMPEQD  Y4, Y5, Y5
	VMOVMSKPS Y5, BX
	SELECT8
	ADDQ      $32, SI
	SUBQ      $8, CX
	JNZ       loop32
	SELECTEND

// func widen8(dst *int64, v unsafe.Pointer, n int, base int64)
TEXT ·widen8(SB), NOSPLIT, $0-32
	WIDENINIT

widen8loop:
	VPMOVZXBQ (SI), Y1
	VPMOVZXBQ 4(SI), Y2
	VPMOVZXBQ 8(SI), Y3
	VPMOVZXBQ 12(SI), Y4
	WIDENSTORE
	ADDQ      $16, SI
	SUBQ      $16, CX
	JNZ       widen8loop
	VZEROUPPER
	RET

// func widen16(dst *int64, v unsafe.Pointer, n int, base int64)
TEXT ·widen16(SB), NOSPLIT, $0-32
	WIDENINIT

widen16loop:
	VPMOVZXWQ (SI), Y1
	VPMOVZXWQ 8(SI), Y2
	VPMOVZXWQ 16(SI), Y3
	VPMOVZXWQ 24(SI), Y4
	WIDENSTORE
	ADDQ      $32, SI
	SUBQ      $16, CX
	JNZ       widen16loop
	VZEROUPPER
	RET

// func widen32(dst *int64, v unsafe.Pointer, n int, base int64)
TEXT ·widen32(SB), NOSPLIT, $0-32
	WIDENINIT

widen32loop:
	VPMOVZXDQ (SI), Y1
	VPMOVZXDQ 16(SI), Y2
	VPMOVZXDQ 32(SI), Y3
	VPMOVZXDQ 48(SI), Y4
	WIDENSTORE
	ADDQ      $64, SI
	SUBQ      $16, CX
	JNZ       widen32loop
	VZEROUPPER
	RET

// func addConst64(dst, a *int64, n int, k int64)
TEXT ·addConst64(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ k+24(FP), AX
	VMOVQ AX, X0
	VPBROADCASTQ X0, Y0

addloop:
	VPADDQ  (SI), Y0, Y1
	VPADDQ  32(SI), Y0, Y2
	VMOVDQU Y1, (DI)
	VMOVDQU Y2, 32(DI)
	ADDQ    $64, SI
	ADDQ    $64, DI
	SUBQ    $8, CX
	JNZ     addloop
	VZEROUPPER
	RET

// func constSub64(dst, a *int64, n int, k int64)
TEXT ·constSub64(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ k+24(FP), AX
	VMOVQ AX, X0
	VPBROADCASTQ X0, Y0

subloop:
	VPSUBQ  (SI), Y0, Y1
	VPSUBQ  32(SI), Y0, Y2
	VMOVDQU Y1, (DI)
	VMOVDQU Y2, 32(DI)
	ADDQ    $64, SI
	ADDQ    $64, DI
	SUBQ    $8, CX
	JNZ     subloop
	VZEROUPPER
	RET

// func findPair(p *byte, n int, a, b uint64, off int) int
TEXT ·findPair(SB), NOSPLIT, $0-48
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ a+16(FP), AX
	VMOVQ AX, X0
	VPBROADCASTB X0, Y0
	MOVQ b+24(FP), AX
	VMOVQ AX, X1
	VPBROADCASTB X1, Y1
	MOVQ off+32(FP), R9
	ADDQ SI, R9
	XORQ DX, DX

pairloop:
	VPCMPEQB  (SI)(DX*1), Y0, Y2
	VPCMPEQB  (R9)(DX*1), Y1, Y3
	VPAND     Y2, Y3, Y2
	VPMOVMSKB Y2, AX
	TESTL     AX, AX
	JNZ       found
	ADDQ      $32, DX
	CMPQ      DX, CX
	JLT       pairloop
	MOVQ      CX, ret+40(FP)
	VZEROUPPER
	RET

found:
	BSFL AX, AX
	ADDQ AX, DX
	MOVQ DX, ret+40(FP)
	VZEROUPPER
	RET
